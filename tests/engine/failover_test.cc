// Three engines in processes of their own: one of them dies, or its chats and users move, while
// requests are under way. Every acknowledged message arrives, once and in order.
#include "tests/engine/talk.h"

namespace chat::sim {
namespace {

using testing::Values;
using Texts = std::vector<std::string>;
using F = v1::ServerFrame;

constexpr uint32_t kSends = 30;
constexpr size_t kEngines = 3;

/// The parameter is the number of milliseconds after the first send at which things go wrong.
class Failover : public Talk {
 protected:
  Failover() : Talk(EnginePolicy(), kEngines) {}

  static size_t process_of(EngineId engine) { return engine.value - 1; }
  static EngineId after(EngineId engine) { return EngineId{engine.value % kEngines + 1}; }

  /// Two users on the engines that are not `victim`.
  void meet(uint64_t ada_id, uint64_t bob_id, EngineId victim) {
    chat_ = ChatId::direct(UserId{ada_id}, UserId{bob_id});
    ada_ = device(ada_id);
    bob_ = device(bob_id);
    ada_->engine = after(victim);
    bob_->engine = after(after(victim));
    ada_->join_live();
    bob_->join_live();
  }
  template <class Trouble>
  void send_through(const Trouble& trouble) {
    for (uint32_t i = 1; i <= kSends; ++i) {
      texts_.push_back(std::to_string(i));
      ada_->post(ada_->message(chat_, texts_.back(), i));
      if (i == kSends / 2) {
        run(GetParam());
        trouble();
      }
      run(2);
    }
    run(30'000);
  }
  void expect_all_once() {
    EXPECT_EQ(ada_->count(F::kSendAck), kSends);
    bob_->catch_up();
    ada_->catch_up();
    EXPECT_EQ(bob_->texts(), texts_);
    EXPECT_EQ(ada_->texts(), texts_);
    ada_->say(chat_, "afterwards", 100);
    texts_.push_back("afterwards");
    EXPECT_EQ(bob_->texts(), texts_);
  }

  ChatId chat_;
  std::unique_ptr<Device> ada_, bob_;
  Texts texts_;
};
INSTANTIATE_TEST_SUITE_P(Delays, Failover, Values(0, 3, 7, 12, 20, 35));

TEST_P(Failover, TheHomeOfTheChatDies) {
  const EngineId victim = home_of(ChatId::direct(UserId{1}, UserId{2}));
  meet(1, 2, victim);
  send_through([&] { world_.crash(process_of(victim), seconds(5)); });
  expect_all_once();
}

TEST_P(Failover, TheHomeOfTheReceiverDies) {
  const EngineId victim = home_of(UserId{2});
  meet(1, 2, victim);
  send_through([&] { world_.crash(process_of(victim), seconds(5)); });
  expect_all_once();
}

TEST_P(Failover, TheHomesOfChatAndReceiverDieOneAfterTheOther) {
  const EngineId victim = home_of(ChatId::direct(UserId{1}, UserId{2}));
  meet(1, 2, victim);
  ada_->engine = bob_->engine;  // The one that stays up.
  ada_->join_live();
  send_through([&] {
    world_.crash(process_of(victim), seconds(4));
    run(1'500);
    world_.crash(process_of(after(victim)), seconds(4));
  });
  expect_all_once();
}

TEST_P(Failover, TheHomesMoveAwayAndBack) {
  const EngineId victim = home_of(ChatId::direct(UserId{1}, UserId{2}));
  meet(1, 2, victim);
  send_through([&] { world_.leave_ring(process_of(victim), milliseconds(40)); });
  expect_all_once();
}

TEST_P(Failover, NobodyReachesTheHomeOfTheChatForAWhile) {
  const EngineId victim = home_of(ChatId::direct(UserId{1}, UserId{2}));
  meet(1, 2, victim);
  send_through([&] {
    world_.partition(process_of(victim), process_of(after(victim)), seconds(7));
    world_.partition(process_of(victim), process_of(after(after(victim))), seconds(7));
  });
  expect_all_once();
}

TEST_P(Failover, TheHomeOfARoomDiesAndItsSessionsSync) {
  const ChatId room = make_chat(v1::ROOM, {1, 2});
  const EngineId victim = home_of(room);
  meet(1, 2, victim);
  chat_ = room;
  bob_->sync_room(room, 0);
  send_through([&] { world_.crash(process_of(victim), seconds(5)); });
  EXPECT_EQ(ada_->count(F::kSendAck), kSends);
  // It is told once when the home is gone, and again when the next one moves back.
  for (bool done = false; !done;) {
    ASSERT_TRUE(bob_->last(F::kLagged));
    const v1::Lagged& lagged = bob_->last(F::kLagged)->lagged();
    ASSERT_EQ(lagged.rooms_size(), 1);
    EXPECT_EQ(lagged.rooms(0).from_seq(), bob_->texts().size() + 2);
    bob_->sync_room(room, lagged.rooms(0).from_seq());
    done = bob_->last(F::kSyncPage)->sync_page().done();
  }
  ada_->say(room, "afterwards", 100);
  texts_.push_back("afterwards");
  EXPECT_EQ(bob_->texts(), texts_);
}

// The same numbers in a restarted engine's requests would take the answers to the last life's.
TEST_P(Failover, WhatALostEngineHadAskedIsNoAnswerToItsSuccessor) {
  const EngineId home{1}, asker{2};
  const uint64_t ada_id = user_of(home);
  uint64_t bob_id = ada_id + 1;
  while (home_of(ChatId::direct(UserId{ada_id}, UserId{bob_id})) != home) ++bob_id;
  chat_ = ChatId::direct(UserId{ada_id}, UserId{bob_id});
  ada_ = device(ada_id);
  ada_->engine = asker;
  ada_->join_live();
  ada_->say(chat_, "first", 100);
  world_.stall_store(milliseconds(1'200));
  for (int i = 0; i < 10; ++i) {
    v1::ClientFrame frame;
    frame.set_id(50 + i);
    frame.mutable_history()->set_chat_id(chat_.str());
    ada_->post(frame);
  }
  run(20);
  world_.crash(process_of(asker), milliseconds(50));
  run(100 + GetParam());
  auto again = device(ada_id, "tablet");
  again->engine = asker;
  again->join();
  for (uint32_t key = 1; key <= 10; ++key) again->post(again->message(chat_, "again", key));
  run(5'000);
  EXPECT_EQ(again->count(F::kHistoryPage), 0u);
  EXPECT_EQ(again->count(F::kSendAck), 10u);
}

TEST_P(Failover, SessionsOfAnEngineThatDiesAreOfflineAfterTheGrace) {
  const EngineId victim{2};
  const uint64_t user = user_of(EngineId{1});
  auto ada = device(user);
  ada->engine = victim;
  ada->join_live();
  run(GetParam());
  world_.crash(process_of(victim), minutes(2));
  run(15'000);
  EXPECT_EQ(presence(user).state(), v1::ONLINE);
  run(9'000);
  EXPECT_EQ(presence(user).state(), v1::OFFLINE);
}

TEST_P(Failover, ADeviceThatComesBackOnAnotherEngineReplacesItsConnection) {
  auto first = device(1), second = device(1);
  first->engine = EngineId{1};
  second->engine = EngineId{2};
  first->join_live();
  run(GetParam());
  second->join_live();
  run(500);
  EXPECT_EQ(first->closed, CloseCode::replaced);
  EXPECT_FALSE(second->closed.has_value());
  run(30'000);
  second->heartbeat();
  EXPECT_EQ(presence(1).state(), v1::ONLINE);
  second->leave();
  EXPECT_EQ(presence(1).state(), v1::OFFLINE);
}

TEST_P(Failover, HeartbeatsNeverLeaveTheirEngine) {
  auto ada = device(user_of(EngineId{1}));
  ada->engine = EngineId{2};
  ada->join_live();
  run(1'000);
  const auto frames = [&] { return total_of(&EngineCounters::peer_frames_out); };
  const uint64_t before = frames();
  for (int i = 0; i < 20; ++i) {
    run(20'000);
    ada->heartbeat();
  }
  EXPECT_EQ(frames(), before);
  EXPECT_FALSE(ada->closed.has_value());
}

}  // namespace
}  // namespace chat::sim
