// Receipts: SENT, DELIVERED and READ of a message per user, on request and pushed, told again to
// whoever was away, too slow, or lost them with an engine.
#include <numeric>

#include "tests/engine/talk.h"

namespace chat::sim {
namespace {

using testing::Values;
using F = v1::ServerFrame;

class Receipts : public Talk {
 protected:
  explicit Receipts(const EnginePolicy& policy = EnginePolicy()) : Talk(policy) {}

  v1::ReceiptSummary summary(uint64_t user, const ChatId& chat, uint64_t seq) {
    v1::Request request;
    request.set_user_id(user);
    request.mutable_get_receipts()->set_chat_id(chat.str());
    request.mutable_get_receipts()->set_seq(seq);
    const v1::Response response = ask(request);
    EXPECT_TRUE(response.has_receipt_summary()) << response.ShortDebugString();
    return response.receipt_summary();
  }
  v1::ErrorCode refusal(uint64_t user, const ChatId& chat, uint64_t seq) {
    v1::Request request;
    request.set_user_id(user);
    request.mutable_get_receipts()->set_chat_id(chat.str());
    request.mutable_get_receipts()->set_seq(seq);
    return ask(request).error().code();
  }
  /// The highest marks of `user` that the device was told.
  static v1::Receipt told(const Device& device, uint64_t user) {
    v1::Receipt best;
    for (const auto& frame : device.frames) {
      if (!frame.has_receipt() || frame.receipt().user_id() != user) continue;
      best.set_delivered_seq(std::max(best.delivered_seq(), frame.receipt().delivered_seq()));
      best.set_read_seq(std::max(best.read_seq(), frame.receipt().read_seq()));
      best.set_through_ms(std::max(best.through_ms(), frame.receipt().through_ms()));
    }
    return best;
  }

  const ChatId chat_ = ChatId::direct(UserId{1}, UserId{2});
};
INSTANTIATE_TEST_SUITE_P(Engines, Receipts, Values(1, 2, 3));

TEST_P(Receipts, AMessageIsSentThenDeliveredByTheFirstDeviceThenRead) {
  auto ada = device(1), phone = device(2), laptop = device(2, "laptop");
  for (auto* d : {&ada, &phone, &laptop}) (*d)->join_live();
  ada->say(chat_, "hello", 1);
  EXPECT_EQ(summary(1, chat_, 1).member_count(), 1u) << "without its author";
  EXPECT_EQ(summary(1, chat_, 1).delivered_count(), 0u);
  laptop->ack(1);
  run(1'000);
  EXPECT_EQ(told(*ada, 2).delivered_seq(), 1u) << "one of two devices has it";
  EXPECT_EQ(told(*ada, 2).read_seq(), 0u);
  EXPECT_EQ(summary(1, chat_, 0).delivered_count(), 1u);
  EXPECT_EQ(summary(1, chat_, 1).read_count(), 0u);
  phone->read(chat_, 1);
  run(1'000);
  EXPECT_EQ(told(*ada, 2).read_seq(), 1u);
  EXPECT_EQ(summary(1, chat_, 1).read_count(), 1u);
  EXPECT_EQ(summary(1, chat_, 1).receipts_size(), 2);
}

TEST_P(Receipts, CountsAreOfThoseWhoGetTheMessage) {
  const ChatId chat = make_chat(v1::GROUP, {1, 2, 3});
  auto ada = device(1), bob = device(2), cleo = device(3), dora = device(4);
  for (auto* d : {&ada, &bob, &cleo, &dora}) (*d)->join_live();
  ada->say(chat, "before dora", 1);
  v1::Request add;
  add.set_user_id(1);
  add.mutable_change_members()->set_chat_id(chat.str());
  add.mutable_change_members()->add_add(4);
  add.mutable_change_members()->add_remove(3);
  ask(add);
  bob->read(chat, 2);
  dora->read(chat, 3);
  run(2'000);
  const v1::ReceiptSummary first = summary(1, chat, 2);
  EXPECT_EQ(first.member_count(), 2u) << "bob and cleo";
  EXPECT_EQ(first.read_count(), 1u);
  const v1::ReceiptSummary last = summary(1, chat, 3);
  EXPECT_EQ(last.seq(), 3u);
  EXPECT_EQ(last.read_count(), 1u) << "dora";
  EXPECT_EQ(refusal(9, chat, 1), v1::PERMISSION_DENIED);
  EXPECT_EQ(refusal(3, chat, 1), v1::PERMISSION_DENIED) << "no member any more";
  EXPECT_EQ(refusal(1, chat, 9), v1::INVALID_ARGUMENT);
}

TEST_P(Receipts, ADeviceThatWasAwayIsToldWhatChangedMeanwhile) {
  auto ada = device(1), bob = device(2);
  ada->join_live();
  bob->join_live();
  ada->say(chat_, "hello", 1);
  bob->ack(1);
  run(1'000);
  ASSERT_GT(told(*ada, 2).through_ms(), 0);
  ada->receipts_since_ms = told(*ada, 2).through_ms();
  ada->leave();
  bob->read(chat_, 1);
  run(5'000);
  ada->frames.clear();
  ada->join(1);
  run(1'000);
  EXPECT_EQ(told(*ada, 2).read_seq(), 1u);
  EXPECT_EQ(ada->count(F::kReceipt), 1u);
}

TEST_P(Receipts, NothingIsToldAgainOfAChatThatHasNotChangedSince) {
  auto ada = device(1), bob = device(2);
  ada->join_live();
  bob->join_live();
  ada->say(chat_, "hello", 1);
  bob->ack(1);
  ada->leave();
  run(150'000);
  ada->receipts_since_ms = world_.wall().ms;
  ada->frames.clear();
  ada->join(1);
  run(3'000);
  EXPECT_EQ(ada->count(F::kReceipt), 0u);
}

TEST_P(Receipts, AHeartbeatTellsThroughWhenReceiptsAreComplete) {
  auto ada = device(1);
  ada->join_live();
  v1::ClientFrame beat;
  beat.set_id(7);
  beat.mutable_heartbeat();
  ada->send(beat);
  EXPECT_GT(ada->last(F::kHeartbeatAck)->heartbeat_ack().receipts_through_ms(), 0);
}

TEST_P(Receipts, ThoseThatWereDroppedForASlowReaderComeLater) {
  const ChatId other = ChatId::direct(UserId{1}, UserId{3});
  auto ada = device(1), bob = device(2), cleo = device(3);
  for (auto* d : {&ada, &bob, &cleo}) (*d)->join_live();
  ada->say(chat_, "seen?", 1);
  WorldFaults slow;
  slow.slow_reader_one_in = 1;
  slow.slow_reader = seconds(4);
  world_.set_faults(slow);
  // Less than makes it lag, more than leaves room for receipts.
  for (uint32_t i = 1; i <= 14; ++i) cleo->say(other, std::string(12'000, 'x'), i);
  bob->read(chat_, 1);
  run(1'000);
  EXPECT_EQ(told(*ada, 2).read_seq(), 0u);
  world_.set_faults(WorldFaults());
  run(60'000);
  EXPECT_EQ(told(*ada, 2).read_seq(), 1u);
}

TEST_P(Receipts, AReadOfMoreThanThereIsCountsAsFarAsThereIs) {
  auto ada = device(1), bob = device(2);
  ada->join_live();
  bob->join_live();
  ada->say(chat_, "one", 1);
  bob->read(chat_, 1'000'000);
  EXPECT_EQ(bob->last(F::kReceipt)->receipt().read_seq(), 1u);
  ada->say(chat_, "two", 2);
  run(2'000);
  EXPECT_EQ(summary(1, chat_, 2).read_count(), 0u);
}

TEST_P(Receipts, AreToldOneByOneAmongThirtyTwoMembersAndAsCountsFromTheThirtyThirdOn) {
  std::vector<uint64_t> members(32);
  std::iota(members.begin(), members.end(), 1);
  const ChatId chat = make_chat(v1::GROUP, members);
  auto ada = device(1), bob = device(2);
  ada->join_live();
  bob->join_live();
  ada->say(chat, "to thirty-two", 1);
  bob->read(chat, 2);
  run(3'000);
  EXPECT_EQ(told(*ada, 2).read_seq(), 2u);
  EXPECT_EQ(summary(1, chat, 2).receipts_size(), 32);
  v1::ChangeMembers add;
  add.add_add(33);
  ASSERT_TRUE(change_members(1, chat, add).has_chat());
  ada->say(chat, "to thirty-three", 2);
  const size_t before = ada->count(F::kReceipt);
  bob->read(chat, 4);
  run(60'000);
  EXPECT_EQ(ada->count(F::kReceipt), before);
  EXPECT_EQ(told(*ada, 2).read_seq(), 2u);
  const v1::ReceiptSummary is = summary(1, chat, 4);
  EXPECT_EQ(is.member_count(), 32u) << "without its author";
  EXPECT_EQ(is.delivered_count(), 1u);
  EXPECT_EQ(is.read_count(), 1u);
  EXPECT_EQ(is.receipts_size(), 0);
}

class ReceiptsOverCrashes : public Receipts {};
INSTANTIATE_TEST_SUITE_P(Engines, ReceiptsOverCrashes, Values(1, 2, 3));

/// R84: three clients, one of them away, and a crash of everything between the states.
TEST_P(ReceiptsOverCrashes, EveryStateIsReachedAndNoneIsLost) {
  const ChatId chat = make_chat(v1::GROUP, {1, 2, 3});
  auto ada = device(1), bob = device(2), cleo = device(3);
  ada->join_live();
  bob->join_live();
  const auto crash_all = [&] {
    for (size_t i = 0; i < world_.processes(); ++i) world_.crash(i, milliseconds(500));
    run(25'000);  // Over the grace as well: nobody is taken for connected.
  };
  const auto states = [&](uint64_t seq) {
    const v1::ReceiptSummary is = summary(1, chat, seq);
    return std::vector<uint32_t>{is.member_count(), is.delivered_count(), is.read_count()};
  };
  using States = std::vector<uint32_t>;
  ada->say(chat, "three ticks", 1);
  ASSERT_TRUE(ada->last(F::kSendAck));
  crash_all();
  EXPECT_EQ(states(2), (States{2, 0, 0})) << "sent survives";
  bob->join(1);
  bob->sync(2);
  bob->ack(2);
  run(600);
  crash_all();
  EXPECT_EQ(states(2), (States{2, 1, 0})) << "delivered to bob survives";
  bob->join(2);
  bob->read(chat, 2);
  crash_all();
  EXPECT_EQ(states(2), (States{2, 1, 1})) << "what bob was told he has read survives";
  cleo->join_live();
  cleo->ack(2);
  run(2'000);
  EXPECT_EQ(states(2), (States{2, 2, 1})) << "the one that was away gets it at last";
  cleo->read(chat, 2);
  run(2'000);
  EXPECT_EQ(states(2), (States{2, 2, 2}));
  ada->receipts_since_ms = 1;
  ada->frames.clear();
  ada->join(2);
  run(2'000);
  EXPECT_EQ(told(*ada, 2).read_seq(), 2u);
  EXPECT_EQ(told(*ada, 3).read_seq(), 2u);
}

class ReceiptsOfMany : public Receipts {
 protected:
  static EnginePolicy few() {
    EnginePolicy policy;
    policy.receipt_push_members_max = 2;
    return policy;
  }
  ReceiptsOfMany() : Receipts(few()) {}
};
INSTANTIATE_TEST_SUITE_P(Engines, ReceiptsOfMany, Values(1, 3));

TEST_P(ReceiptsOfMany, AreCountedAndNotPushed) {
  const ChatId chat = make_chat(v1::GROUP, {1, 2, 3});
  auto ada = device(1), bob = device(2);
  ada->join_live();
  bob->join_live();
  ada->say(chat, "hello", 1);
  bob->read(chat, 2);
  run(3'000);
  EXPECT_EQ(told(*ada, 2).read_seq(), 0u);
  const v1::ReceiptSummary is = summary(1, chat, 2);
  EXPECT_EQ(is.read_count(), 1u);
  EXPECT_EQ(is.receipts_size(), 0);
}

}  // namespace
}  // namespace chat::sim
