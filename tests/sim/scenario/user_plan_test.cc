#include "sim/scenario/user_plan.h"

#include <gtest/gtest.h>

#include <map>
#include <set>

#include "core/base/digest.h"

namespace chat::sim {
namespace {

Scenario mixed_scenario() {
  Scenario scenario;
  scenario.name = "test";
  scenario.seed = 7;
  scenario.users = 200;
  scenario.duration = seconds(100);
  scenario.json_share = 0.25;
  scenario.chats = {.direct_per_user = 3,
                    .groups = 20,
                    .group_size = {.min = 3, .max = 12, .skew = 1},
                    .rooms = 2,
                    .room_size = 50};
  scenario.activity = {.users_skew = 0.7, .chats_skew = 1};
  scenario.sends.per_user_per_s = 0.5;
  scenario.reads.every = seconds(10);
  scenario.drops = {.users_share = 0.3,
                    .every = seconds(20),
                    .away_min = seconds(1),
                    .away_max = seconds(5),
                    .clean_share = 0.5};
  scenario.presence.every = seconds(30);
  scenario.history.every = seconds(30);
  return scenario;
}

std::vector<Action> actions_of(const RunPlan& run, uint32_t user) {
  std::vector<Action> actions;
  UserPlan plan(run, user);
  while (const auto action = plan.next(run)) actions.push_back(*action);
  return actions;
}

uint64_t digest_of(const Scenario& scenario) {
  const RunPlan run(scenario);
  Digest digest;
  for (uint32_t user = 0; user < scenario.users; ++user) {
    for (const Action& action : actions_of(run, user)) {
      digest.add(static_cast<uint64_t>(action.at.ns));
      digest.add(static_cast<uint64_t>(action.kind));
      digest.add(action.n);
      digest.add(action.chat);
      digest.add(action.size);
    }
  }
  return digest.value();
}

TEST(RunPlan, IsTheSameForTheSameSeedAndAnotherForAnother) {
  Scenario scenario = mixed_scenario();
  const uint64_t first = digest_of(scenario);
  EXPECT_EQ(first, digest_of(scenario));
  scenario.seed = 8;
  EXPECT_NE(first, digest_of(scenario));
}

TEST(RunPlan, StaysTheSameFromVersionToVersion) {
  EXPECT_EQ(digest_of(mixed_scenario()), 0x4086b0931de8c786u);
}

TEST(RunPlan, OfOneUserDoesNotDependOnWhoElseIsAsked) {
  const Scenario scenario = mixed_scenario();
  const RunPlan run(scenario);
  const auto alone = actions_of(run, 17);
  actions_of(run, 16);
  const auto again = actions_of(run, 17);
  ASSERT_EQ(alone.size(), again.size());
  for (size_t i = 0; i < alone.size(); ++i) EXPECT_EQ(alone[i].at, again[i].at);
}

TEST(RunPlan, SendsAboutAsOftenAsAsked) {
  const Scenario scenario = mixed_scenario();
  const RunPlan run(scenario);
  EXPECT_NEAR(run.expected_sends(), 200 * 0.5 * 100, 1);
  size_t sends = 0;
  for (uint32_t user = 0; user < scenario.users; ++user) {
    for (const Action& action : actions_of(run, user)) sends += action.kind == ActionKind::send;
  }
  // Sends that fall into drops are left out: about 30 % of users are away 13 % of the time.
  EXPECT_NEAR(static_cast<double>(sends), 9'600, 400);
}

TEST(UserPlan, GivesActionsInOrderWithinTheRunAndToOwnChats) {
  const Scenario scenario = mixed_scenario();
  const RunPlan run(scenario);
  for (uint32_t user = 0; user < scenario.users; ++user) {
    Duration last;
    uint32_t n = 0;
    const auto own = run.population().chats_of(user);
    const std::set<uint32_t> chats(own.begin(), own.end());
    for (const Action& action : actions_of(run, user)) {
      EXPECT_GE(action.at, last);
      EXPECT_LT(action.at, scenario.duration);
      EXPECT_EQ(action.n, ++n);
      last = action.at;
      if (action.kind != ActionKind::drop) {
        EXPECT_TRUE(chats.contains(action.chat));
      }
      if (action.kind == ActionKind::send) {
        EXPECT_GE(action.size, scenario.sends.text_bytes.min);
        EXPECT_LE(action.size, scenario.sends.text_bytes.max);
      }
    }
  }
}

TEST(UserPlan, DoesNothingWhileTheUserIsAwayAndOnlyMobileUsersDrop) {
  const Scenario scenario = mixed_scenario();
  const RunPlan run(scenario);
  size_t drops = 0;
  for (uint32_t user = 0; user < scenario.users; ++user) {
    Duration back;
    for (const Action& action : actions_of(run, user)) {
      EXPECT_GE(action.at, back);
      if (action.kind != ActionKind::drop) continue;
      ++drops;
      EXPECT_TRUE(run.population().traits(user).mobile);
      EXPECT_GE(action.away, scenario.drops.away_min);
      EXPECT_LE(action.away, scenario.drops.away_max);
      back = action.at + action.away;
    }
  }
  EXPECT_GT(drops, 100u);
}

TEST(UserPlan, OfFurtherDevicesOnlyReadsAndDropsAndHasTimesOfItsOwn) {
  const Scenario scenario = mixed_scenario();
  const RunPlan run(scenario);
  std::set<ActionKind> kinds;
  for (uint32_t user = 0; user < scenario.users; ++user) {
    UserPlan second(run, user, 1), third(run, user, 2);
    const auto of_second = second.next(run), of_third = third.next(run);
    if (of_second && of_third) {
      EXPECT_NE(of_second->at, of_third->at);
    }
    for (auto action = of_second; action; action = second.next(run)) kinds.insert(action->kind);
  }
  EXPECT_EQ(kinds, (std::set{ActionKind::read, ActionKind::drop}));
}

TEST(UserPlan, ChangesMessagesAsOftenAsAskedFromTheFirstDeviceOnly) {
  Scenario scenario = mixed_scenario();
  scenario.drops.users_share = 0;
  scenario.changes = {.edits_per_s = 0.1, .deletions_per_s = 0.05, .reactions_per_s = 0.2};
  const RunPlan run(scenario);
  std::map<ActionKind, double> counts;
  std::set<uint32_t> picks;
  for (uint32_t user = 0; user < scenario.users; ++user) {
    for (const Action& action : actions_of(run, user)) {
      ++counts[action.kind];
      if (action.kind == ActionKind::edit) {
        EXPECT_GE(action.size, scenario.sends.text_bytes.min);
        picks.insert(action.pick);
      }
    }
    UserPlan second(run, user, 1);
    while (const auto action = second.next(run)) EXPECT_EQ(action->kind, ActionKind::read);
  }
  EXPECT_NEAR(counts[ActionKind::edit], 2'000, 200);
  EXPECT_NEAR(counts[ActionKind::deletion], 1'000, 150);
  EXPECT_NEAR(counts[ActionKind::reaction], 4'000, 300);
  EXPECT_GT(picks.size(), 1'900u);
}

TEST(UserPlan, LeavesOwnGroupsAndComesBack) {
  Scenario scenario = mixed_scenario();
  scenario.leaves = {.per_user_per_s = 0.05, .away_min = seconds(2), .away_max = seconds(3)};
  const RunPlan run(scenario);
  size_t leaves = 0;
  for (uint32_t user = 0; user < scenario.users; ++user) {
    const auto groups = run.population().chats_of(user, ChatKind::group);
    const std::set<uint32_t> own(groups.begin(), groups.end());
    for (const Action& action : actions_of(run, user)) {
      if (action.kind != ActionKind::leave) continue;
      ++leaves;
      EXPECT_TRUE(own.contains(action.chat));
      EXPECT_GE(action.away, seconds(2));
      EXPECT_LE(action.away, seconds(3));
    }
  }
  EXPECT_GT(leaves, 200u);
}

TEST(UserPlan, OfSlowReadersNeverSendsAndTheOthersSendForThem) {
  Scenario scenario = mixed_scenario();
  scenario.slow_readers.users_share = 0.2;
  const RunPlan run(scenario);
  uint32_t slow = 0;
  for (uint32_t user = 0; user < scenario.users; ++user) {
    if (!run.population().traits(user).slow) continue;
    ++slow;
    for (const Action& action : actions_of(run, user)) EXPECT_EQ(action.kind, ActionKind::drop);
  }
  EXPECT_GT(slow, 20u);
  EXPECT_LT(slow, 60u);
  const RunPlan without(mixed_scenario());
  EXPECT_NEAR(run.expected_sends(), without.expected_sends(), 1);
}

TEST(UserPlan, FollowsTheStepsOfALadder) {
  Scenario scenario;
  scenario.name = "ladder";
  scenario.users = 100;
  scenario.chats = {.rooms = 1, .room_size = 100};
  scenario.ladder = {.rates_per_s = {10, 100, 1'000}, .hold = seconds(20), .pass = {}};
  ASSERT_TRUE(check_scenario(scenario));
  const RunPlan run(scenario);
  std::vector<double> sends(3);
  for (uint32_t user = 0; user < scenario.users; ++user) {
    for (const Action& action : actions_of(run, user)) {
      sends[static_cast<size_t>(action.at.ns / scenario.ladder.hold.ns)] += 1;
    }
  }
  EXPECT_NEAR(sends[0], 200, 50);
  EXPECT_NEAR(sends[1], 2'000, 200);
  EXPECT_NEAR(sends[2], 20'000, 600);
}

TEST(Population, GivesEveryChatDistinctMembersOfTheAskedNumber) {
  const Scenario scenario = mixed_scenario();
  const Population population(scenario, Random(1));
  size_t groups = 0, rooms = 0;
  for (uint32_t chat = 0; chat < population.chat_count(); ++chat) {
    const auto members = population.members(chat);
    EXPECT_EQ(std::set<uint32_t>(members.begin(), members.end()).size(), members.size());
    for (const uint32_t user : members) EXPECT_LT(user, scenario.users);
    if (population.kind(chat) == ChatKind::direct) {
      EXPECT_EQ(members.size(), 2u);
      EXPECT_EQ(population.peer_in(chat, members[0]), members[1]);
    }
    if (population.kind(chat) == ChatKind::group) {
      ++groups;
      EXPECT_GE(members.size(), 3u);
      EXPECT_LE(members.size(), 12u);
    }
    if (population.kind(chat) == ChatKind::room) {
      ++rooms;
      EXPECT_EQ(members.size(), 50u);
    }
  }
  EXPECT_EQ(groups, 20u);
  EXPECT_EQ(rooms, 2u);
}

TEST(Population, DealsTenChatsOfFiveToFiftyUsersSoThatEachIsInOne) {
  Scenario scenario;
  scenario.users = 50;
  scenario.chats = {.groups = 10, .group_size = {.min = 5, .max = 5}};
  const Population population(scenario, Random(3));
  for (uint32_t user = 0; user < 50; ++user) {
    EXPECT_EQ(population.chats_of(user, ChatKind::group).size(), 1u);
  }
}

TEST(Population, ListsAUsersChatsExactlyWhereItIsAMember) {
  const Population population(mixed_scenario(), Random(5));
  std::set<std::pair<uint32_t, uint32_t>> by_chat, by_user;
  for (uint32_t chat = 0; chat < population.chat_count(); ++chat) {
    for (const uint32_t user : population.members(chat)) by_chat.emplace(user, chat);
  }
  for (uint32_t user = 0; user < population.user_count(); ++user) {
    for (const uint32_t chat : population.chats_of(user)) by_user.emplace(user, chat);
    for (const uint32_t chat : population.chats_of(user, ChatKind::room)) {
      EXPECT_EQ(population.kind(chat), ChatKind::room);
    }
  }
  EXPECT_EQ(by_chat, by_user);
}

TEST(Population, SpreadsSendsUnevenlyWithSkewButKeepsTheMean) {
  const Population population(mixed_scenario(), Random(5));
  double sum = 0, most = 0;
  for (uint32_t user = 0; user < population.user_count(); ++user) {
    sum += population.traits(user).weight;
    most = std::max<double>(most, population.traits(user).weight);
  }
  EXPECT_NEAR(sum, 200, 0.01);
  EXPECT_GT(most, 5);
}

TEST(Population, ArrivesWithinTheRamp) {
  Scenario scenario = mixed_scenario();
  scenario.arrival = {.model = Arrival::Model::constant, .over = seconds(10)};
  const Population even(scenario, Random(5));
  EXPECT_EQ(even.traits(0).arrives, seconds(0));
  EXPECT_EQ(even.traits(100).arrives, seconds(5));
  scenario.arrival.model = Arrival::Model::poisson;
  const Population random(scenario, Random(5));
  for (uint32_t user = 0; user < scenario.users; ++user) {
    EXPECT_LT(random.traits(user).arrives, seconds(10));
  }
}

TEST(Scenario, IsRefusedWithTheNameOfTheKeyThatDoesNotFit) {
  const auto refusal = [](auto change) {
    Scenario scenario = mixed_scenario();
    change(scenario);
    const Status status = check_scenario(scenario);
    return status ? std::string("accepted") : status.error().text;
  };
  EXPECT_EQ(refusal([](Scenario&) {}), "accepted");
  using std::string;
  const auto names = [](const string& text, const char* key) {
    return text.find(key) != string::npos;
  };
  EXPECT_TRUE(names(refusal([](Scenario& s) { s.users = 0; }), "users"));
  EXPECT_TRUE(names(refusal([](Scenario& s) { s.chats.room_size = 201; }), "chats.rooms.size"));
  EXPECT_TRUE(names(refusal([](Scenario& s) { s.chats.group_size.max = 2; }), "chats.groups.size"));
  EXPECT_TRUE(names(refusal([](Scenario& s) { s.chats.direct_per_user = 200; }), "per_user"));
  EXPECT_TRUE(names(refusal([](Scenario& s) { s.sends.text_bytes.min = 10; }), "sends.text"));
  EXPECT_TRUE(names(refusal([](Scenario& s) { s.quiet_max = seconds(61); }), "quiet"));
  EXPECT_TRUE(names(refusal([](Scenario& s) { s.drops.away_min = seconds(9); }), "drops.away"));
  EXPECT_TRUE(names(refusal([](Scenario& s) { s.ladder.rates_per_s = {1}; }), "ladder"));
  EXPECT_TRUE(names(refusal([](Scenario& s) { s.chats = {}; }), "chats"));
  EXPECT_TRUE(names(refusal([](Scenario& s) { s.history.limit = 201; }), "history.limit"));
}

}  // namespace
}  // namespace chat::sim
