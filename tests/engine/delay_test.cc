// The store is slow or down: sends are answered DELAYED, once they are safe, and are stored in
// order when it is back, whatever happens to the home meanwhile.
#include "tests/engine/talk.h"

namespace chat::sim {
namespace {

using testing::Values;
using Texts = std::vector<std::string>;
using F = v1::ServerFrame;

class Delays : public Talk {
 protected:
  Delays() = default;
  explicit Delays(const EnginePolicy& policy) : Talk(policy) {}

  /// Two users with a direct chat that has one message, so that its members are in memory.
  void meet() {
    ada_ = device(1);
    bob_ = device(2);
    ada_->join_live();
    bob_->join_live();
    ada_->say(chat_, "hello", 200);
  }
  std::vector<v1::SendStatus> statuses(const Device& device) const {
    std::vector<v1::SendStatus> out;
    for (const auto& frame : device.frames) {
      if (frame.has_send_ack()) out.push_back(frame.send_ack().status());
    }
    return out;
  }

  const ChatId chat_ = ChatId::direct(UserId{1}, UserId{2});
  std::unique_ptr<Device> ada_, bob_;
};
INSTANTIATE_TEST_SUITE_P(Engines, Delays, Values(1, 3));

TEST_P(Delays, AHangingStoreDelaysASendAfterTwoSeconds) {
  meet();
  world_.stall_store(seconds(10));
  ada_->say(chat_, "one", 1);
  run(1'000);
  EXPECT_EQ(statuses(*ada_), std::vector{v1::STORED});
  run(1'500);
  EXPECT_EQ(statuses(*ada_), (std::vector{v1::STORED, v1::DELAYED}));
  EXPECT_EQ(ada_->acked_seqs().back(), 0u);
  EXPECT_EQ(total_of(&EngineCounters::chats_delayed), 1u);
  run(10'000);
  EXPECT_EQ(bob_->texts(), (Texts{"hello", "one"}));
  EXPECT_EQ(total_of(&EngineCounters::delayed_stored), 1u);
  EXPECT_EQ(world_.delayed_sends(), 0u);
}

TEST_P(Delays, SendsToADelayedChatAreDelayedAtOnceAndKeepTheirOrder) {
  meet();
  world_.stall_store(seconds(10));
  Texts texts{"hello"};
  ada_->post(ada_->message(chat_, "0", 100));
  texts.push_back("0");
  run(2'500);
  for (uint32_t i = 1; i <= 10; ++i) {
    texts.push_back(std::to_string(i));
    ada_->say(chat_, texts.back(), i);
    EXPECT_EQ(statuses(*ada_).size(), i + 2);
    EXPECT_EQ(statuses(*ada_).back(), v1::DELAYED);
  }
  run(10'000);
  ada_->say(chat_, "after", 99);
  texts.push_back("after");
  EXPECT_EQ(statuses(*ada_).back(), v1::STORED);
  EXPECT_EQ(bob_->texts(), texts);
  EXPECT_EQ(total_of(&EngineCounters::sends_delayed), 11u);
  EXPECT_EQ(total_of(&EngineCounters::delayed_stored), 11u);
}

TEST_P(Delays, TheSameKeyIsDelayedAgainAndStoredOnce) {
  meet();
  world_.stall_store(seconds(10));
  for (int i = 0; i < 3; ++i) {
    ada_->say(chat_, "one", 1);
    run(2'500);
  }
  EXPECT_EQ(statuses(*ada_), (std::vector{v1::STORED, v1::DELAYED, v1::DELAYED, v1::DELAYED}));
  ada_->say(chat_, "another", 1);
  EXPECT_EQ(ada_->error(), v1::IDEMPOTENCY_MISMATCH);
  run(10'000);
  EXPECT_EQ(bob_->texts(), (Texts{"hello", "one"}));
  ada_->say(chat_, "one", 1);
  EXPECT_EQ(statuses(*ada_).back(), v1::DUPLICATE);
  EXPECT_EQ(total_of(&EngineCounters::sends_delayed), 1u);
}

TEST_P(Delays, AChatThatWasNeverReadCannotDelay) {
  ada_ = device(1);
  ada_->join_live();
  world_.stall_store(seconds(10));
  ada_->say(chat_, "one", 1);
  run(2'500);
  EXPECT_EQ(ada_->error(), v1::UNAVAILABLE);
  EXPECT_GT(ada_->last(F::kError)->error().retry_after_ms(), 0u);
  EXPECT_TRUE(ada_->last(F::kError)->error().temporary());
  EXPECT_EQ(world_.delayed_sends(), 0u);
}

TEST_P(Delays, OtherOperationsOfADelayedChatAreRefusedForNow) {
  const ChatId group = make_chat(v1::GROUP, {1, 2, 3});
  ada_ = device(1);
  ada_->join_live();
  world_.stall_store(seconds(10));
  ada_->say(group, "one", 1);
  run(2'500);
  EXPECT_EQ(statuses(*ada_), std::vector{v1::DELAYED});
  v1::Request request;
  request.set_user_id(1);
  request.mutable_change_members()->set_chat_id(group.str());
  request.mutable_change_members()->set_client_op_id(Device::key_bytes(7));
  request.mutable_change_members()->add_remove(3);
  EXPECT_EQ(ask(request).error().code(), v1::UNAVAILABLE);
}

TEST_P(Delays, WhoIsNoMemberIsNotToldDelayed) {
  const ChatId group = make_chat(v1::GROUP, {1, 2});
  ada_ = device(1);
  auto eve = device(9);
  ada_->join_live();
  eve->join_live();
  world_.stall_store(seconds(10));
  ada_->say(group, "one", 1);
  run(2'500);
  eve->say(group, "two", 2);
  EXPECT_EQ(eve->error(), v1::UNAVAILABLE);
  EXPECT_EQ(world_.delayed_sends(), 1u);
}

TEST_P(Delays, ARestartLosesNothingThatWasDelayed) {
  meet();
  world_.stall_store(seconds(15));
  for (uint32_t i = 1; i <= 5; ++i) ada_->say(chat_, std::to_string(i), i);
  run(2'500);
  EXPECT_EQ(statuses(*ada_).size(), 6u);
  for (size_t process = 0; process < world_.processes(); ++process) {
    world_.crash(process, seconds(1));
  }
  run(30'000);
  EXPECT_EQ(world_.delayed_sends(), 0u);
  auto laptop = device(2, "laptop");
  laptop->join();
  laptop->sync(1);
  EXPECT_EQ(laptop->texts(), (Texts{"hello", "1", "2", "3", "4", "5"}));
}

/// A queue that holds two sends.
class ShortQueue : public Delays {
 protected:
  ShortQueue() : Delays(policy()) {}
  static EnginePolicy policy() {
    EnginePolicy policy;
    policy.delayed_sends_max = 2;
    return policy;
  }
};
INSTANTIATE_TEST_SUITE_P(Engines, ShortQueue, Values(1, 3));

TEST_P(ShortQueue, RefusesWhatItCannotHold) {
  meet();
  world_.stall_store(seconds(10));
  for (uint32_t i = 1; i <= 3; ++i) ada_->say(chat_, std::to_string(i), i);
  run(2'500);
  EXPECT_EQ(statuses(*ada_), (std::vector{v1::STORED, v1::DELAYED, v1::DELAYED}));
  EXPECT_EQ(ada_->error(), v1::UNAVAILABLE);
  EXPECT_EQ(total_of(&EngineCounters::delays_refused), 1u);
  run(10'000);
  EXPECT_EQ(bob_->texts(), (Texts{"hello", "1", "2"}));
}

/// Three engines in processes of their own.
class DelayedMoves : public Delays {
 protected:
  size_t home() const { return home_of(chat_).value - 1; }
};
INSTANTIATE_TEST_SUITE_P(Three, DelayedMoves, Values(3));

TEST_P(DelayedMoves, TheOldHomeForwardsWhatItDelayed) {
  meet();
  world_.stall_store(seconds(6));
  for (uint32_t i = 1; i <= 5; ++i) ada_->say(chat_, std::to_string(i), i);
  run(2'500);
  world_.leave_ring(home(), seconds(60));
  run(200);
  ada_->post(ada_->message(chat_, "6", 6));
  run(15'000);
  EXPECT_EQ(bob_->texts(), (Texts{"hello", "1", "2", "3", "4", "5", "6"}));
  EXPECT_EQ(total_of(&EngineCounters::delayed_forwarded), 5u);
  EXPECT_EQ(total_of(&EngineCounters::delayed_stored), 5u);
  EXPECT_EQ(world_.delayed_sends(), 0u);
}

TEST_P(DelayedMoves, ADeadNodeForwardsAtItsRestart) {
  meet();
  ada_->engine = bob_->engine = EngineId{home() % 3 == 0 ? 2u : 1u};
  ada_->join_live();
  bob_->join_live();
  world_.stall_store(seconds(6));
  for (uint32_t i = 1; i <= 5; ++i) ada_->say(chat_, std::to_string(i), i);
  run(2'500);
  world_.crash(home(), seconds(20));
  run(15'000);
  EXPECT_LE(bob_->texts().size(), 2u);  // What was in flight may have been stored.
  run(20'000);
  EXPECT_EQ(bob_->texts(), (Texts{"hello", "1", "2", "3", "4", "5"}));
  EXPECT_EQ(world_.delayed_sends(), 0u);
}

}  // namespace
}  // namespace chat::sim
