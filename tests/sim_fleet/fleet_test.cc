#include "sim/fleet/fleet.h"

#include <gtest/gtest.h>

#include <cmath>

#include "tests/sim_fleet/fleet_scenario.h"

namespace chat::sim {
namespace {

struct Outcome {
  uint64_t digest = 0;
  FleetWindow totals;
  uint64_t occurrences = 0;
};

Outcome run(const Scenario& scenario, uint32_t threads = 1) {
  Fleet fleet(scenario, threads);
  while (!fleet.is_over()) fleet.run_window();
  return {.digest = fleet.digest(), .totals = fleet.totals(), .occurrences = fleet.occurrences()};
}

/// Nothing but sessions.
Scenario quiet_scenario() {
  Scenario scenario = fleet_scenario();
  scenario.day.sends_per_hour = scenario.day.reads_per_hour = 0;
  scenario.day.drops = {};
  scenario.day.sleeps = {};
  return scenario;
}

TEST(Fleet, DoesTheSameWithAnyNumberOfThreads) {
  const Scenario scenario = fleet_scenario();
  const Outcome one = run(scenario, 1);
  for (const uint32_t threads : {1u, 2u, 3u}) {
    const Outcome other = run(scenario, threads);
    EXPECT_EQ(other.digest, one.digest) << threads;
    for (const FleetCounts::Field& field : FleetCounts::fields()) {
      EXPECT_EQ(other.totals.counts.*field.value, one.totals.counts.*field.value) << field.name;
    }
    EXPECT_EQ(other.totals.delivered, one.totals.delivered);
    EXPECT_EQ(other.totals.presence_pushed, one.totals.presence_pushed);
  }
}

// In every build: debug, release and with sanitizers.
TEST(Fleet, StaysTheSameFromVersionToVersion) {
  EXPECT_EQ(run(fleet_scenario(), 2).digest, 0xaa354125ee4f505eu);
}

TEST(Fleet, DoesSomethingElseWithAnotherSeed) {
  Scenario scenario = fleet_scenario();
  const Outcome one = run(scenario);
  scenario.seed = 4;
  EXPECT_NE(run(scenario).digest, one.digest);
}

TEST(Fleet, TellsTheSameStoryInWindowsOfAnyLength) {
  Scenario scenario = fleet_scenario();
  const Outcome half_a_minute = run(scenario);
  scenario.fleet.window = seconds(1);
  const Outcome second = run(scenario);
  for (const FleetCounts::Field& field : FleetCounts::fields()) {
    EXPECT_EQ(second.totals.counts.*field.value, half_a_minute.totals.counts.*field.value);
  }
}

TEST(Fleet, SendsAsManyHeartbeatsAsTheSessionsAreLong) {
  Scenario scenario = quiet_scenario();
  scenario.users = 3'000;
  const DayProfile profile(scenario);
  double ticks = 0, sessions = 0;
  for (uint32_t user = 0; user < scenario.users; ++user) {
    for (int device = 0; device < (profile.has_second(user) ? 2 : 1); ++device) {
      DayPlan plan(profile, {.user = user, .second = device == 1});
      uint32_t begin = 0;
      bool online = false;
      while (const auto step = plan.next(profile)) {
        online = step->kind == DayStep::Kind::online;
        if (online) begin = step->tick;
        if (online) ++sessions;
        if (!online) ticks += step->tick - begin;
      }
      if (online) ticks += profile.end() - begin;
    }
  }
  // A session of t ticks has t/300 heartbeats at mean, for its phase is uniform: floor or ceiling,
  // which adds a variance of at most a quarter.
  const double expected = ticks / 300;
  const Outcome outcome = run(scenario);
  EXPECT_NEAR(static_cast<double>(outcome.totals.counts.heartbeats), expected,
              4 * std::sqrt(sessions / 4));
  EXPECT_EQ(outcome.totals.counts.heartbeat_timeouts, 0u);
  EXPECT_EQ(static_cast<double>(outcome.totals.counts.connections_opened), sessions);
}

TEST(Fleet, CountsDeliveriesByWhoIsOnline) {
  Scenario scenario = fleet_scenario();
  scenario.users = 2'000;
  scenario.chats.direct_per_user = 0;
  scenario.chats.group_size = {.min = 11, .max = 11};
  Fleet fleet(scenario, 1);
  double expected = 0, online = 0;
  while (!fleet.is_over()) {
    const FleetWindow& window = fleet.run_window();
    expected += 10.0 * static_cast<double>(window.counts.sends) * online / scenario.users;
    online = static_cast<double>(window.users_online);
  }
  EXPECT_GT(fleet.totals().counts.sends, 1'000u);
  EXPECT_EQ(fleet.totals().counts.recipients, 10 * fleet.totals().counts.sends);
  EXPECT_NEAR(static_cast<double>(fleet.totals().delivered), expected, 1);
  EXPECT_GT(fleet.totals().presence_pushed, 0u);
}

TEST(Fleet, BreaksAllLinksInAStormAndLetsDevicesBackAtThePaceOfTheEngines) {
  Scenario scenario = quiet_scenario();
  scenario.users = 3'000;
  scenario.fleet.engines = 2;
  scenario.fleet.window = seconds(1);
  scenario.fleet.accepts_per_second = 20;
  scenario.storm = {.at = seconds(2 * 3600), .users_share = 1};
  Fleet fleet(scenario, 1);
  uint64_t before = 0, lowest = UINT64_MAX;
  while (!fleet.is_over()) {
    const FleetWindow& window = fleet.run_window();
    if (fleet.simulated() == scenario.storm.at) before = window.connections;
    if (fleet.simulated() <= scenario.storm.at) continue;
    // Twenty per second and engine, and the 64 of a quiet time before.
    EXPECT_LE(window.counts.connections_opened, 2 * 84u);
    lowest = std::min(lowest, window.connections);
    if (fleet.simulated() == scenario.storm.at + minutes(3)) {
      EXPECT_GT(window.connections, before * 4 / 5);
    }
  }
  EXPECT_GT(before, 200u);
  EXPECT_LT(lowest, before / 2);
  EXPECT_GT(fleet.totals().counts.sessions_resumed, 0u);
}

TEST(Fleet, HoldsNoMoreConnectionsThanEnginesTakeAndTheRestComesAgain) {
  Scenario scenario = fleet_scenario();
  scenario.fleet.engines = 2;
  scenario.fleet.connections_max = 40;
  Fleet fleet(scenario, 1);
  while (!fleet.is_over()) EXPECT_LE(fleet.run_window().connections, 80u);
  EXPECT_EQ(fleet.connections_peak(), 80u);
  const FleetCounts& counts = fleet.totals().counts;
  EXPECT_GT(counts.connections_refused, 1'000u);
  EXPECT_GT(counts.not_sent, 100u);
  EXPECT_EQ(counts.connections_opened - counts.connections_closed, fleet.totals().connections);
}

TEST(Fleet, NeedsLessThan64BytesForAUserOfALongDay) {
  Scenario scenario = fleet_scenario();
  scenario.users = 100'000;
  scenario.duration = seconds(24 * 3600);
  scenario.fleet.engines = 1;
  scenario.day.sessions.per_day = 9;
  Fleet fleet(scenario, 1);
  // The curve is flat: after half an hour as many are online as ever.
  while (fleet.simulated() < minutes(30)) fleet.run_window();
  EXPECT_LT(fleet.memory_bytes(), 64u * scenario.users);
}

}  // namespace
}  // namespace chat::sim
