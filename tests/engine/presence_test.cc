#include "tests/engine/talk.h"

namespace chat::sim {
namespace {

using testing::Values;
using F = v1::ServerFrame;
using States = std::vector<v1::PresenceState>;

/// What a device was told of a user: answers and pushes, in order.
States told(const Device& device, uint64_t user) {
  States out;
  for (const auto& frame : device.frames) {
    for (const auto& entry : frame.presence().entries()) {
      if (entry.user_id() == user) out.push_back(entry.state());
    }
  }
  return out;
}

v1::ClientFrame watch_frame(std::vector<uint64_t> users, uint32_t id = 77) {
  v1::ClientFrame frame;
  frame.set_id(id);
  frame.mutable_presence_watch();
  for (uint64_t user : users) frame.mutable_presence_watch()->add_user_ids(user);
  return frame;
}

class PresenceTalk : public Talk {
 protected:
  using Talk::Talk;

  /// Engines that have just begun call nobody offline.
  void SetUp() override { run(20'000); }

  std::unique_ptr<Device> watcher(uint64_t user, Encoding encoding = Encoding::proto) {
    auto made = device(user, "watcher", encoding);
    made->want.set_presence(true);
    return made;
  }
  void set_mode(PresenceMode mode) {
    RuntimeLimits limits;
    limits.presence_mode = mode;
    world_.set_limits(limits);
    run(100);
  }
};

class Presence : public PresenceTalk {};
INSTANTIATE_TEST_SUITE_P(Engines, Presence, Values(1, 2, 3));

TEST_P(Presence, AWatchIsAnsweredAndEachRealChangeIsToldOnce) {
  for (Encoding encoding : {Encoding::proto, Encoding::json}) {
    auto ada = watcher(1, encoding);
    auto bob = device(2);
    ada->join_live();
    ada->send(watch_frame({2, 3}));
    ASSERT_TRUE(ada->last(F::kPresence));
    EXPECT_EQ(ada->last(F::kPresence)->reply_to(), 77u);
    EXPECT_EQ(ada->last(F::kPresence)->presence().mode(), v1::PUSH);
    EXPECT_EQ(told(*ada, 2), States{v1::OFFLINE});
    EXPECT_EQ(told(*ada, 3), States{v1::OFFLINE});
    bob->join_live();
    run(2'000);
    EXPECT_EQ(told(*ada, 2), (States{v1::OFFLINE, v1::ONLINE}));
    bob->leave();
    run(2'000);
    EXPECT_EQ(told(*ada, 2), (States{v1::OFFLINE, v1::ONLINE, v1::OFFLINE}));
    EXPECT_GT(ada->last(F::kPresence)->presence().entries(0).last_seen_ms(), 0);
    EXPECT_EQ(told(*ada, 3), States{v1::OFFLINE});
    ada->leave();
  }
}

TEST_P(Presence, AShortLossIsNoChangeAndSilencePastTheTimeoutIsExactlyOne) {
  auto ada = watcher(1);
  auto bob = device(2);
  ada->join_live();
  bob->join_live();
  ada->send(watch_frame({2}));
  bob->drop();
  run(5'000);
  bob->join_live();
  run(30'000);
  EXPECT_EQ(told(*ada, 2), States{v1::ONLINE});
  for (int i = 0; i < 5; ++i) {
    ada->heartbeat();
    run(25'000);
  }
  EXPECT_EQ(bob->closed, CloseCode::no_heartbeat);
  EXPECT_EQ(told(*ada, 2), (States{v1::ONLINE, v1::OFFLINE}));
}

TEST_P(Presence, ACleanCloseIsSeenOnAnotherEngineWithinASecond) {
  auto ada = watcher(1);
  auto bob = device(2);
  ada->engine = EngineId{1};
  bob->engine = EngineId{static_cast<uint64_t>(GetParam())};
  ada->join_live();
  bob->join_live();
  ada->send(watch_frame({2}));
  run(2'000);
  const Instant before = world_.now();
  bob->close_now(CloseCode::normal);
  while (told(*ada, 2).back() == v1::ONLINE && world_.now() - before < seconds(1)) run(10);
  EXPECT_EQ(told(*ada, 2), (States{v1::ONLINE, v1::OFFLINE}));
}

TEST_P(Presence, ALogOutIsSeenOnAnotherEngineWithinASecondAndALostLinkAfterTheGrace) {
  auto ada = watcher(1);
  auto bob = device(2), cid = device(3);
  ada->engine = EngineId{1};
  bob->engine = cid->engine = EngineId{static_cast<uint64_t>(GetParam())};
  bob->token = token_of(UserId{2}, LoginId{1}, world_.wall(), world_.wall() + minutes(60));
  for (auto* d : {&ada, &bob, &cid}) (*d)->join_live();
  ada->send(watch_frame({2, 3}));
  run(2'000);
  cid->close_now(CloseCode::abnormal);
  world_.end_logins({.user = UserId{2}, .ended = {LoginId{1}}});
  run(1'000);
  EXPECT_EQ(bob->closed, CloseCode::revoked);
  EXPECT_EQ(told(*ada, 2), (States{v1::ONLINE, v1::OFFLINE}));
  EXPECT_EQ(told(*ada, 3), States{v1::ONLINE});
  run(22'000);
  EXPECT_EQ(told(*ada, 2), (States{v1::ONLINE, v1::OFFLINE}));
  EXPECT_EQ(told(*ada, 3), (States{v1::ONLINE, v1::OFFLINE}));
}

TEST_P(Presence, ASecondDeviceIsNoChange) {
  auto ada = watcher(1);
  auto phone = device(2, "phone"), laptop = device(2, "laptop");
  ada->join_live();
  phone->join_live();
  ada->send(watch_frame({2}));
  laptop->join_live();
  phone->leave();
  run(2'000);
  EXPECT_EQ(told(*ada, 2), States{v1::ONLINE});
  laptop->leave();
  run(2'000);
  EXPECT_EQ(told(*ada, 2), (States{v1::ONLINE, v1::OFFLINE}));
}

TEST_P(Presence, ANewListReplacesTheOldOneAndAnEmptyOneEndsIt) {
  auto ada = watcher(1);
  auto bob = device(2), cid = device(3);
  ada->join_live();
  ada->send(watch_frame({2}));
  ada->send(watch_frame({3}));
  bob->join_live();
  cid->join_live();
  run(2'000);
  EXPECT_EQ(told(*ada, 2), States{v1::OFFLINE});
  EXPECT_EQ(told(*ada, 3), (States{v1::OFFLINE, v1::ONLINE}));
  ada->send(watch_frame({}));
  EXPECT_EQ(ada->last(F::kPresence)->presence().entries_size(), 0);
  cid->leave();
  run(2'000);
  EXPECT_EQ(told(*ada, 3), (States{v1::OFFLINE, v1::ONLINE}));
}

TEST_P(Presence, TooLongListsAndImpossibleUsersAreRefused) {
  auto ada = watcher(1);
  ada->join_live();
  std::vector<uint64_t> users(501);
  for (size_t i = 0; i < users.size(); ++i) users[i] = i + 1;
  ada->send(watch_frame(users));
  EXPECT_EQ(ada->error(), v1::INVALID_ARGUMENT);
  users.pop_back();
  ada->send(watch_frame(users));
  ASSERT_TRUE(ada->last(F::kPresence));
  EXPECT_EQ(ada->last(F::kPresence)->presence().entries_size(), 500);
  ada->frames.clear();
  ada->send(watch_frame({0}));
  EXPECT_EQ(ada->error(), v1::INVALID_ARGUMENT);
}

TEST_P(Presence, ADeviceThatDoesNotWantPushesIsOnlyAnswered) {
  auto ada = device(1), bob = device(2);
  ada->join_live();
  EXPECT_EQ(ada->last(F::kWelcome)->welcome().presence_mode(), v1::FETCH);
  ada->send(watch_frame({2}));
  EXPECT_EQ(ada->last(F::kPresence)->presence().mode(), v1::FETCH);
  bob->join_live();
  run(3'000);
  EXPECT_EQ(told(*ada, 2), States{v1::OFFLINE});
}

TEST_P(Presence, EveryWatcherIsToldAtMostOnceForEachChangeAndNobodyInFetchMode) {
  std::vector<std::unique_ptr<Device>> watchers;
  for (uint64_t user = 1; user <= 6; ++user) {
    watchers.push_back(watcher(user));
    watchers.back()->join_live();
    watchers.back()->send(watch_frame({10}));
  }
  auto bob = device(10);
  for (int change = 0; change < 4; ++change) {
    change % 2 == 0 ? bob->join_live() : bob->leave();
    run(3'000);
  }
  EXPECT_EQ(total_of(&EngineCounters::presence_pushed), 6u * 4u);
  set_mode(PresenceMode::fetch);
  const uint64_t before = total_of(&EngineCounters::presence_pushed);
  for (auto& one : watchers) one->send(watch_frame({10}));
  EXPECT_EQ(watchers[0]->last(F::kPresence)->presence().mode(), v1::FETCH);
  bob->join_live();
  run(3'000);
  EXPECT_EQ(total_of(&EngineCounters::presence_pushed), before);
  EXPECT_EQ(told(*watchers[0], 10).back(), v1::OFFLINE);
}

TEST_P(Presence, ChangesWithinASecondBecomeOneAndNoneWhenTheEndIsAsTheBeginning) {
  auto ada = watcher(1);
  auto bob = device(2);
  ada->join_live();
  ada->send(watch_frame({2, 3}));
  bob->join_live();  // Told at once, and then nothing for a second.
  run(1'500);
  auto cid = device(3);
  cid->join();
  bob->close_now();
  run(100);
  bob->join();
  run(3'000);
  EXPECT_EQ(told(*ada, 2), (States{v1::OFFLINE, v1::ONLINE}));
  EXPECT_EQ(told(*ada, 3), (States{v1::OFFLINE, v1::ONLINE}));
}

TEST_P(Presence, AModeThatIsSwitchedIsToldToWhoWatches) {
  auto ada = watcher(1);
  auto idle = watcher(4);
  auto bob = device(2);
  ada->join_live();
  idle->join_live();
  ada->send(watch_frame({2}));
  const auto last = [&]() -> const v1::PresenceBatch& {
    return ada->last(F::kPresence)->presence();
  };
  set_mode(PresenceMode::off);
  EXPECT_EQ(last().mode(), v1::OFF);
  EXPECT_EQ(last().entries_size(), 0);
  bob->join_live();
  run(2'000);
  EXPECT_EQ(told(*ada, 2), States{v1::OFFLINE});
  ada->send(watch_frame({2}));
  EXPECT_EQ(last().mode(), v1::OFF);
  EXPECT_EQ(last().entries_size(), 0);
  set_mode(PresenceMode::fetch);
  EXPECT_EQ(last().mode(), v1::FETCH);
  set_mode(PresenceMode::push);
  EXPECT_EQ(last().mode(), v1::PUSH);
  EXPECT_EQ(told(*ada, 2), (States{v1::OFFLINE, v1::ONLINE}));
  bob->leave();
  run(2'000);
  EXPECT_EQ(told(*ada, 2).back(), v1::OFFLINE);
  EXPECT_EQ(idle->count(F::kPresence), 0u);
}

TEST_P(Presence, AChangeThatWaitsToBeToldIsVoidInAnotherMode) {
  auto ada = watcher(1);
  auto bob = device(2);
  ada->join_live();
  ada->send(watch_frame({2}));
  bob->join_live();  // Told; the next change has to wait for a second.
  bob->leave();
  set_mode(PresenceMode::fetch);
  run(2'000);
  EXPECT_EQ(ada->last(F::kPresence)->presence().mode(), v1::FETCH);
  EXPECT_EQ(told(*ada, 2).back(), v1::ONLINE);
  set_mode(PresenceMode::push);
  run(2'000);
  EXPECT_EQ(told(*ada, 2).back(), v1::OFFLINE);
}

TEST_P(Presence, MessagesFlowWhilePresenceIsOff) {
  set_mode(PresenceMode::off);
  auto ada = watcher(1), bob = watcher(2);
  ada->join_live();
  bob->join_live();
  ada->send(watch_frame({2}));
  ada->say(ChatId::direct(UserId{1}, UserId{2}), "hello", 1);
  EXPECT_EQ(bob->texts(), std::vector<std::string>{"hello"});
}

TEST_P(Presence, AfterARestartOfAllNobodyIsOfflineBeforeTheGrace) {
  auto ada = watcher(1);
  auto bob = device(2), cid = device(3);
  bob->join_live();
  cid->join_live();
  for (int engine = 0; engine < GetParam(); ++engine) {
    world_.crash(static_cast<size_t>(engine), seconds(1));
  }
  run(2'000);
  ada->join_live();
  ada->send(watch_frame({2, 3}));
  run(5'000);
  bob->join_live();
  run(5'000);
  EXPECT_EQ(told(*ada, 2), States{v1::ONLINE});
  EXPECT_EQ(told(*ada, 3), States{});
  bob->leave();
  run(1'500);
  EXPECT_EQ(told(*ada, 2), (States{v1::ONLINE, v1::OFFLINE})) << "it has said goodbye";
  run(10'000);
  EXPECT_EQ(told(*ada, 3), States{v1::OFFLINE});
}

/// R26: heartbeats are activity too.
TEST_P(Presence, WhenSomebodyWasLastSeenIsKnownToFiveMinutesAfterARestartOfAll) {
  auto bob = device(2);
  bob->join_live();
  for (int half_minute = 0; half_minute < 24; ++half_minute) {
    run(30'000);
    bob->heartbeat();
  }
  ASSERT_FALSE(bob->closed.has_value());
  const int64_t crashed_ms = world_.wall().ms;
  for (size_t process = 0; process < world_.processes(); ++process) {
    world_.crash(process, seconds(1));
  }
  run(60'000);
  const v1::PresenceEntry gone = presence(2);
  EXPECT_EQ(gone.state(), v1::OFFLINE);
  EXPECT_GE(gone.last_seen_ms(), crashed_ms - minutes(5).ms());
  EXPECT_LE(gone.last_seen_ms(), crashed_ms);
}

class PresenceMoves : public PresenceTalk {};
INSTANTIATE_TEST_SUITE_P(Engines, PresenceMoves, Values(3));

TEST_P(PresenceMoves, AHomeThatMovesAndComesBackTellsNothingThatIsNot) {
  const uint64_t bob_id = user_of(EngineId{3});
  auto ada = watcher(1000);
  auto bob = device(bob_id);
  ada->engine = EngineId{1};
  bob->engine = EngineId{2};
  ada->join_live();
  bob->join_live();
  ada->send(watch_frame({bob_id}));
  world_.leave_ring(2, seconds(3));
  run(10'000);
  EXPECT_EQ(told(*ada, bob_id), States{v1::ONLINE});
  world_.leave_ring(2, seconds(60));
  run(2'000);
  bob->leave();
  run(2'000);
  EXPECT_EQ(told(*ada, bob_id), (States{v1::ONLINE, v1::OFFLINE}));
}

TEST_P(PresenceMoves, ALostSessionKeepsItsGraceWhenTheHomeMoves) {
  const uint64_t bob_id = user_of(EngineId{3});
  auto ada = watcher(1000);
  auto bob = device(bob_id);
  ada->engine = EngineId{1};
  bob->engine = EngineId{2};
  ada->join_live();
  bob->join_live();
  ada->send(watch_frame({bob_id}));
  bob->leave(CloseCode::abnormal);
  run(2'000);
  world_.leave_ring(2, seconds(60));
  run(10'000);
  EXPECT_EQ(told(*ada, bob_id), States{v1::ONLINE});
  run(11'000);
  EXPECT_EQ(told(*ada, bob_id), (States{v1::ONLINE, v1::OFFLINE}));
}

TEST_P(PresenceMoves, TheCrashOfAUserHomeIsNoChangeAndTheNewOneTellsTheNext) {
  const uint64_t bob_id = user_of(EngineId{3});
  auto ada = watcher(1000);
  auto bob = device(bob_id);
  ada->engine = EngineId{1};
  bob->engine = EngineId{2};
  ada->join_live();
  bob->join_live();
  ada->send(watch_frame({bob_id}));
  world_.crash(2, seconds(5));
  run(12'000);
  EXPECT_EQ(told(*ada, bob_id), States{v1::ONLINE});
  bob->leave();
  run(2'000);
  EXPECT_EQ(told(*ada, bob_id), (States{v1::ONLINE, v1::OFFLINE}));
}

TEST_P(PresenceMoves, WhoseSessionAndHomeCrashTogetherIsOfflineOnlyAfterTheGrace) {
  const uint64_t bob_id = user_of(EngineId{3});
  auto ada = watcher(1000), bob = device(bob_id);
  ada->engine = EngineId{1};
  ada->join_live();
  for (const Duration down_for : {seconds(2), minutes(2)}) {
    bob->engine = EngineId{3};
    bob->join_live();
    ada->frames.clear();
    ada->send(watch_frame({bob_id}));
    world_.crash(2, down_for);
    run(19'000);
    ada->heartbeat();
    EXPECT_EQ(told(*ada, bob_id), States{v1::ONLINE}) << down_for.ms();
    run(8'000);
    ada->heartbeat();
    EXPECT_EQ(told(*ada, bob_id), (States{v1::ONLINE, v1::OFFLINE})) << down_for.ms();
  }
}

TEST_P(PresenceMoves, WhoComesBackElsewhereAfterACrashWasNeverOffline) {
  const uint64_t bob_id = user_of(EngineId{3});
  auto ada = watcher(1000), bob = device(bob_id);
  ada->engine = EngineId{1};
  bob->engine = EngineId{3};
  ada->join_live();
  bob->join_live();
  ada->send(watch_frame({bob_id}));
  world_.crash(2, seconds(60));
  run(12'000);
  ada->heartbeat();
  bob->engine = EngineId{2};
  bob->join_live();
  run(20'000);
  EXPECT_EQ(told(*ada, bob_id), States{v1::ONLINE});
  bob->leave();
  run(2'000);
  EXPECT_EQ(told(*ada, bob_id), (States{v1::ONLINE, v1::OFFLINE}));
}

TEST_P(PresenceMoves, AfterTheCrashOfAWatchingEngineItsWatchersBeginAnew) {
  const uint64_t bob_id = user_of(EngineId{3});
  auto ada = watcher(1000), eve = watcher(999);
  auto bob = device(bob_id);
  ada->engine = EngineId{1};
  eve->engine = bob->engine = EngineId{2};
  ada->join_live();
  eve->join_live();
  ada->send(watch_frame({bob_id}));
  eve->send(watch_frame({bob_id}));
  world_.crash(0, seconds(2));
  run(3'000);
  ASSERT_TRUE(ada->closed.has_value());
  ada->join_live();
  ada->send(watch_frame({bob_id}));
  bob->join_live();
  run(2'000);
  EXPECT_EQ(told(*eve, bob_id), (States{v1::OFFLINE, v1::ONLINE}));
  EXPECT_EQ(told(*ada, bob_id).back(), v1::ONLINE);
}

TEST_P(PresenceMoves, ANewHomeDoesNotCallSomebodyOfflineWhoseSessionIsYetToBeAnnounced) {
  std::vector<std::unique_ptr<Device>> online;
  for (uint64_t user = 1; user <= 30; ++user) {
    online.push_back(device(user));
    online.back()->engine = EngineId{1};
    online.back()->join_live();
  }
  world_.crash(2, seconds(3));
  for (int i = 0; i < 40; ++i) {
    run(100);
    for (uint64_t user = 1; user <= 30; user += 7) {
      v1::Request request;
      request.mutable_get_presence()->add_user_ids(user);
      world_.request(std::make_shared<const v1::Request>(request), [user](const v1::Response* got) {
        if (got == nullptr || !got->has_presence()) return;  // The asked engine crashed.
        EXPECT_NE(got->presence().entries(0).state(), v1::OFFLINE) << user;
      });
    }
  }
  run(12'000);
}

TEST_P(PresenceMoves, ALinkThatEndsBetweenWatcherAndHomeHealsWithTheTruth) {
  const uint64_t bob_id = user_of(EngineId{3});
  auto ada = watcher(1000);
  auto bob = device(bob_id);
  ada->engine = EngineId{1};
  bob->engine = EngineId{2};
  ada->join_live();
  bob->join_live();
  ada->send(watch_frame({bob_id}));
  world_.partition(0, 2, seconds(12));
  run(1'000);
  bob->leave();
  run(20'000);
  EXPECT_EQ(told(*ada, bob_id), (States{v1::ONLINE, v1::OFFLINE}));
}

class PresenceBudget : public PresenceTalk {
 protected:
  PresenceBudget() : PresenceTalk(small()) {}

  static EnginePolicy small() {
    EnginePolicy policy;
    policy.presence_events_per_second = 1;
    return policy;
  }
};
INSTANTIATE_TEST_SUITE_P(Engines, PresenceBudget, Values(1));

TEST_P(PresenceBudget, WhatIsOverTheBudgetIsToldLaterAndMessagesDoNotWait) {
  auto ada = watcher(1);
  ada->join_live();
  std::vector<uint64_t> users;
  std::vector<std::unique_ptr<Device>> others;
  for (uint64_t user = 2; user <= 9; ++user) users.push_back(user);
  ada->send(watch_frame(users));
  run(12'000);
  for (uint64_t user : users) {
    others.push_back(device(user));
    others.back()->join();
  }
  ada->say(ChatId::direct(UserId{1}, UserId{2}), "hello", 1);
  EXPECT_EQ(ada->count(F::kSendAck), 1u);
  size_t online = 0;
  for (uint64_t user : users)
    online += !told(*ada, user).empty() && told(*ada, user).back() == v1::ONLINE;
  EXPECT_LT(online, users.size());
  run(15'000);
  for (uint64_t user : users) {
    ASSERT_FALSE(told(*ada, user).empty());
    EXPECT_EQ(told(*ada, user).back(), v1::ONLINE);
  }
  EXPECT_GT(total_of(&EngineCounters::presence_over_budget), 0u);
}

}  // namespace
}  // namespace chat::sim
