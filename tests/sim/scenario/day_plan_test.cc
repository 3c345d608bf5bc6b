#include "sim/scenario/day_plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "core/base/digest.h"
#include "sim/scenario/scenario.h"

namespace chat::sim {
namespace {

using Kind = DayStep::Kind;

Scenario day_scenario() {
  Scenario scenario;
  scenario.name = "day";
  scenario.seed = 7;
  scenario.users = 1'000;
  scenario.duration = seconds(24 * 3600);
  scenario.chats.groups = 10;
  Day& day = scenario.day;
  day.sessions = {.per_day = 10, .brief = minutes(2), .longer = minutes(20), .longer_share = 0.25};
  day.second_device_share = 0.3;
  day.mobile_share = 0.8;
  day.sends_per_hour = 30;
  day.reads_per_hour = 20;
  day.drops = {.per_hour = 4,
               .away_min = seconds(5),
               .away_max = seconds(60),
               .clean_share = 0.25,
               .silent_share = 0.5};
  day.sleeps = {.per_hour = 2, .length_min = seconds(30), .length_max = minutes(2)};
  return scenario;
}

std::vector<DayStep> steps_of(const DayProfile& profile, DayDevice device) {
  std::vector<DayStep> steps;
  DayPlan plan(profile, device);
  while (const auto step = plan.next(profile)) steps.push_back(*step);
  EXPECT_FALSE(plan.next(profile)) << "after the end";
  return steps;
}

uint64_t digest_of(const Scenario& scenario) {
  const DayProfile profile(scenario);
  Digest digest;
  for (uint32_t user = 0; user < scenario.users; ++user) {
    for (const DayStep& step : steps_of(profile, {.user = user})) {
      digest.add(uint64_t{step.tick} << 8 | static_cast<uint64_t>(step.kind));
      digest.add(uint64_t{step.away} << 32 | step.pick);
    }
  }
  return digest.value();
}

struct Day1000 {
  std::map<Kind, double> count;
  double online_s = 0;
};

Day1000 count(const Scenario& scenario) {
  const DayProfile profile(scenario);
  Day1000 sum;
  for (uint32_t user = 0; user < scenario.users; ++user) {
    uint32_t since = UINT32_MAX;
    for (const DayStep& step : steps_of(profile, {.user = user})) {
      ++sum.count[step.kind];
      if (step.kind == Kind::online) since = step.tick;
      if (step.kind != Kind::offline) continue;
      sum.online_s += (step.tick - since) / 10.0;
      since = UINT32_MAX;
    }
    if (since != UINT32_MAX) sum.online_s += (profile.end() - since) / 10.0;
  }
  return sum;
}

TEST(DayPlan, IsTheSameForTheSameSeedAndAnotherForAnother) {
  Scenario scenario = day_scenario();
  scenario.users = 100;
  const uint64_t first = digest_of(scenario);
  EXPECT_EQ(first, digest_of(scenario));
  scenario.seed = 8;
  EXPECT_NE(first, digest_of(scenario));
}

TEST(DayPlan, StaysTheSameFromVersionToVersion) {
  Scenario scenario = day_scenario();
  scenario.users = 100;
  EXPECT_EQ(digest_of(scenario), 0x45e7f3f52a4763c4u);
}

TEST(DayPlan, TakesStepsInAnOrderThatMakesSense) {
  const Scenario scenario = day_scenario();
  const DayProfile profile(scenario);
  for (uint32_t user = 0; user < 200; ++user) {
    bool online = false;
    uint32_t last = 0, back_at = 0;
    for (const DayStep& step : steps_of(profile, {.user = user})) {
      EXPECT_GT(step.tick, last);
      EXPECT_LT(step.tick, profile.end());
      EXPECT_EQ(step.kind == Kind::online, !online);
      if (back_at > 0) {
        EXPECT_TRUE(step.kind == Kind::offline || step.kind == Kind::back);
        EXPECT_LE(step.tick, back_at);
      }
      if (step.kind == Kind::back) {
        EXPECT_EQ(step.tick, back_at);
      }
      back_at = step.away > 0 ? step.tick + step.away : 0;
      online = step.kind != Kind::offline;
      last = step.tick;
    }
  }
}

TEST(DayPlan, DoesAsMuchAsAskedAtMean) {
  const Scenario scenario = day_scenario();
  const Day1000 sum = count(scenario);
  const double users = scenario.users;
  // 10 sessions of 0.75 × 2 + 0.25 × 20 = 6.5 minutes; about 1 % of error is three deviations.
  EXPECT_NEAR(sum.count.at(Kind::online) / users, 10, 0.3);
  EXPECT_NEAR(sum.online_s / users / 60, 65, 3.5);
  const double hours = sum.online_s / 3600;
  // Mobile devices are away 4 × 32.5 s + 2 × 75 s of an hour less the ends of sessions.
  EXPECT_GT(sum.count.at(Kind::send) / hours, 30 * 0.90);
  EXPECT_LT(sum.count.at(Kind::send) / hours, 30 * 0.98);
  EXPECT_NEAR(sum.count.at(Kind::read) / sum.count.at(Kind::send), 20.0 / 30, 0.02);
  EXPECT_NEAR(sum.count.at(Kind::drop) / sum.count.at(Kind::sleep), 2, 0.1);
  EXPECT_NEAR(sum.count.at(Kind::drop) / sum.count.at(Kind::send), 0.8 * 4 / 30, 0.01);
}

TEST(DayPlan, BreaksLinksInTheSharesThatWereAsked) {
  const Scenario scenario = day_scenario();
  const DayProfile profile(scenario);
  std::map<DayStep::Break, double> breaks;
  double drops = 0;
  for (uint32_t user = 0; user < scenario.users; ++user) {
    for (const DayStep& step : steps_of(profile, {.user = user})) {
      if (step.kind != Kind::drop) continue;
      EXPECT_TRUE(profile.is_mobile(user));
      EXPECT_GE(step.away, 50u);
      EXPECT_LE(step.away, 600u);
      ++breaks[step.link];
      ++drops;
    }
  }
  EXPECT_NEAR(breaks[DayStep::Break::clean] / drops, 0.25, 0.03);
  EXPECT_NEAR(breaks[DayStep::Break::silent] / drops, 0.5, 0.03);
}

TEST(DayPlan, OfASecondDeviceOnlyReadsAndHasTimesOfItsOwn) {
  const Scenario scenario = day_scenario();
  const DayProfile profile(scenario);
  std::map<Kind, int> kinds;
  uint32_t same = 0;
  for (uint32_t user = 0; user < 100; ++user) {
    const auto first = steps_of(profile, {.user = user});
    const auto second = steps_of(profile, {.user = user, .second = true});
    for (const DayStep& step : second) ++kinds[step.kind];
    if (!first.empty() && !second.empty()) same += first[0].tick == second[0].tick;
  }
  EXPECT_EQ(same, 0u);
  EXPECT_EQ(kinds.size(), 3u);
  EXPECT_GT(kinds[Kind::read], 0);
}

TEST(DayProfile, SharesUsersAsAsked) {
  Scenario scenario = day_scenario();
  scenario.regions = {{.name = "a", .share = 1},
                      {.name = "b", .share = 3},
                      {.name = "nobody", .share = 0},
                      {.name = "c", .share = 4}};
  const DayProfile profile(scenario);
  std::vector<double> users(4);
  double second = 0, mobile = 0;
  for (uint32_t user = 0; user < 20'000; ++user) {
    ++users[profile.region_of(user)];
    second += profile.has_second(user);
    mobile += profile.is_mobile(user);
  }
  EXPECT_NEAR(users[0] / 20'000, 0.125, 0.01);
  EXPECT_NEAR(users[1] / 20'000, 0.375, 0.01);
  EXPECT_EQ(users[2], 0);
  EXPECT_NEAR(second / 20'000, 0.3, 0.01);
  EXPECT_NEAR(mobile / 20'000, 0.8, 0.01);
}

TEST(DayProfile, FollowsTheClockOfTheRegion) {
  Scenario scenario = day_scenario();
  scenario.day.begin = seconds(3 * 3600);
  scenario.regions = {{.name = "india", .utc_offset = seconds(5 * 3600 + 1800)}};
  scenario.day.curve = {};
  scenario.day.curve[20] = 3;  // 20:00–21:00 there is 14:30–15:30 UTC, 11.5 h after the beginning.
  scenario.day.curve[22] = 1;
  const DayProfile profile(scenario);
  double early = 0, late = 0;
  for (uint32_t user = 0; user < scenario.users; ++user) {
    for (const DayStep& step : steps_of(profile, {.user = user})) {
      if (step.kind != Kind::online) continue;
      const double hour = step.tick / 36'000.0;
      const bool first = hour >= 11.5 && hour < 12.5, second = hour >= 13.5 && hour < 14.5;
      EXPECT_TRUE(first || second) << hour;
      early += first;
      late += second;
    }
  }
  // Who is online begins no session, and three quarters begin in one hour: somewhat fewer than 3:1.
  EXPECT_GT(early / late, 1.5);
  EXPECT_LT(early / late, 3.1);
}

TEST(Day, RefusesWhatDoesNotFitTogether) {
  const auto refusal = [](auto change) {
    Scenario scenario = day_scenario();
    change(scenario);
    const Status status = check_scenario(scenario);
    return status ? std::string("accepted") : status.error().text;
  };
  using ::testing::HasSubstr;
  EXPECT_EQ(refusal([](Scenario&) {}), "accepted");
  EXPECT_THAT(refusal([](Scenario& s) { s.reads.every = seconds(1); }), HasSubstr("under day"));
  EXPECT_THAT(refusal([](Scenario& s) { s.devices_per_user = 2; }), HasSubstr("second_device"));
  EXPECT_THAT(refusal([](Scenario& s) { s.chats = {}; }), HasSubstr("need chats"));
  EXPECT_THAT(refusal([](Scenario& s) { s.day.sessions.per_day = 300; }), HasSubstr("offline"));
  EXPECT_THAT(refusal([](Scenario& s) { s.day.drops.clean_share = 0.6; }), HasSubstr("at most 1"));
  EXPECT_THAT(refusal([](Scenario& s) { s.day.drops.away_max = {}; }), HasSubstr("min <= max"));
  EXPECT_THAT(refusal([](Scenario& s) { s.fleet.window = minutes(1); }), HasSubstr("fleet.window"));
  EXPECT_THAT(refusal([](Scenario& s) { s.regions = {{.name = "x", .share = 0}}; }),
              HasSubstr("share above 0"));
  EXPECT_THAT(refusal([](Scenario& s) {
                s.day = {};
                s.users = 20'000'000;
              }),
              HasSubstr("need a day"));
}

}  // namespace
}  // namespace chat::sim
