// Order and numbers of messages under concurrency, idempotency over both ways of sending, limits.
#include <numeric>
#include <set>

#include "tests/engine/talk.h"

namespace chat::sim {
namespace {

using testing::Values;
using Texts = std::vector<std::string>;
using F = v1::ServerFrame;

class Order : public Talk {};
INSTANTIATE_TEST_SUITE_P(Engines, Order, Values(1, 2, 3));

TEST_P(Order, SixtyFourWritersOfOneChatGetDenseIds) {
  std::vector<uint64_t> members(64);
  std::iota(members.begin(), members.end(), 1);
  const ChatId group = make_chat(v1::GROUP, members);
  std::vector<std::unique_ptr<Device>> writers;
  for (uint64_t member : members) {
    writers.push_back(device(member));
    writers.back()->join_live();
  }
  for (uint32_t key = 1; key <= 5; ++key) {
    for (auto& writer : writers) writer->post(writer->message(group, "together", key));
  }
  run(10'000);
  std::set<uint64_t> seqs;
  for (auto& writer : writers) {
    const std::vector<uint64_t> own = writer->acked_seqs();
    EXPECT_EQ(own.size(), 5u);
    EXPECT_TRUE(std::is_sorted(own.begin(), own.end()));
    seqs.insert(own.begin(), own.end());
  }
  EXPECT_EQ(seqs.size(), 64u * 5);
  EXPECT_EQ(*seqs.begin(), 2u);  // The members' event has seq 1.
  EXPECT_EQ(*seqs.rbegin(), 64u * 5 + 1);
}

TEST_P(Order, SendsOfOneMillisecondAreTotallyOrdered) {
  auto ada = device(1), bob = device(2);
  ada->join_live();
  bob->join_live();
  const ChatId chat = ChatId::direct(UserId{1}, UserId{2});
  std::vector<v1::ClientFrame> sends;
  Texts texts;
  for (uint32_t i = 1; i <= 20; ++i) {
    texts.push_back(std::to_string(i));
    sends.push_back(ada->message(chat, texts.back(), i));
  }
  ada->post_all(sends);
  run(1'000);
  std::set<int64_t> times;
  for (const auto& frame : bob->frames) {
    if (frame.has_event()) times.insert(frame.event().server_ts_ms());
  }
  EXPECT_LT(times.size(), 20u);
  EXPECT_EQ(bob->texts(), texts);
  EXPECT_EQ(ada->texts(), texts);
}

TEST_P(Order, ASendIsTheSameOneOverARequestAndOverAConnection) {
  auto ada = device(1);
  ada->join_live();
  const ChatId chat = ChatId::direct(UserId{1}, UserId{2});
  v1::Request request;
  request.set_user_id(1);
  request.set_user_name(name_of(UserId{1}));
  *request.mutable_send() = ada->message(chat, "twice", 1).send();
  EXPECT_EQ(ask(request).send_ack().status(), v1::STORED);
  ada->say(chat, "twice", 1);
  EXPECT_EQ(ada->last(F::kSendAck)->send_ack().status(), v1::DUPLICATE);
  EXPECT_EQ(ada->last(F::kSendAck)->send_ack().seq(), 1u);
  ada->say(chat, "the other way round", 2);
  *request.mutable_send() = ada->message(chat, "the other way round", 2).send();
  EXPECT_EQ(ask(request).send_ack().status(), v1::DUPLICATE);
  EXPECT_EQ(ask(request).send_ack().seq(), 2u);
  request.mutable_send()->set_text("something else");
  EXPECT_EQ(ask(request).error().code(), v1::IDEMPOTENCY_MISMATCH);
  EXPECT_EQ(ada->texts(), (Texts{"twice", "the other way round"}));
}

TEST_P(Order, ASendOverRequestAndConnectionAtOnceIsStoredOnce) {
  auto ada = device(1);
  ada->join_live();
  const ChatId chat = ChatId::direct(UserId{1}, UserId{2});
  for (uint32_t key = 1; key <= 10; ++key) {
    v1::Request request;
    request.set_user_id(1);
    *request.mutable_send() = ada->message(chat, "race", key).send();
    ada->post(ada->message(chat, "race", key));
    EXPECT_EQ(ask(request).send_ack().seq(), key);
    EXPECT_EQ(ada->last(F::kSendAck)->send_ack().seq(), key);
  }
  EXPECT_EQ(ada->texts().size(), 10u);
}

class Limits : public Talk {
 protected:
  Limits() : Talk(small()) {}

  static EnginePolicy small() {
    EnginePolicy policy;
    policy.sends_unanswered_max = 8;
    policy.limits.sends_per_second_user = 5;
    policy.reset_gap = 10;
    policy.limits.group_members_max = 3;
    return policy;
  }
  size_t refused(const Device& device) const {
    size_t count = 0;
    for (const auto& frame : device.frames) {
      if (frame.error().code() != v1::RATE_LIMITED) continue;
      EXPECT_TRUE(frame.error().temporary());
      EXPECT_GT(frame.error().retry_after_ms(), 0u);
      EXPECT_EQ(frame.error().client_msg_id().size(), 16u);
      ++count;
    }
    return count;
  }
  std::vector<v1::ClientFrame> sends(Device& device, uint32_t count) const {
    std::vector<v1::ClientFrame> out;
    for (uint32_t i = 1; i <= count; ++i) {
      out.push_back(device.message(chat_, std::to_string(i), i));
    }
    return out;
  }
  const ChatId chat_ = ChatId::direct(UserId{1}, UserId{2});
};
INSTANTIATE_TEST_SUITE_P(Engines, Limits, Values(1, 2));

TEST_P(Limits, MoreSendsWithoutAnAnswerAreRefusedAndMayBeSentAgain) {
  auto ada = device(1);
  ada->join_live();
  ada->post_all(sends(*ada, 9));
  run(1'000);
  EXPECT_EQ(ada->count(F::kSendAck), 8u);
  EXPECT_EQ(refused(*ada), 1u);
  ada->say(chat_, "9", 9);
  EXPECT_EQ(ada->count(F::kSendAck), 9u);
}

TEST_P(Limits, MoreSendsThanTheRateAreRefusedUntilTimeHasPassed) {
  auto ada = device(1);
  ada->join_live();
  for (uint32_t i = 1; i <= 12; ++i) {
    ada->post(ada->message(chat_, std::to_string(i), i));
    run(15);
  }
  run(100);
  EXPECT_EQ(ada->count(F::kSendAck), 10u);  // The burst is twice the rate.
  EXPECT_EQ(refused(*ada), 2u);
  run(2'000);
  ada->say(chat_, "12", 12);
  EXPECT_EQ(ada->count(F::kSendAck), 11u);
  EXPECT_FALSE(ada->closed.has_value());
}

TEST_P(Limits, ADeviceThatIsTooFarBehindIsResetAndGoesLiveFromHead) {
  auto ada = device(1), bob = device(2);
  ada->join_live();
  bob->join_live();
  bob->drop();
  for (uint32_t i = 1; i <= 11; ++i) ada->say(chat_, std::to_string(i), i);
  bob->join(0);
  EXPECT_FALSE(bob->last(F::kWelcome)->welcome().recovered());
  bob->sync(1);
  const v1::SyncPage& page = bob->last(F::kSyncPage)->sync_page();
  EXPECT_TRUE(page.reset());
  EXPECT_TRUE(page.done());
  EXPECT_EQ(page.next(), 12u);
  EXPECT_EQ(page.entries_size(), 0);
  ASSERT_EQ(page.chats_size(), 1);
  EXPECT_EQ(page.chats(0).last_seq(), 11u);
  ada->say(chat_, "live", 12);
  EXPECT_EQ(bob->texts(), Texts{"live"});
}

TEST_P(Limits, ADeviceThatIsJustNotTooFarBehindGetsEverything) {
  auto ada = device(1), bob = device(2);
  ada->join_live();
  bob->join_live();
  bob->drop();
  for (uint32_t i = 1; i <= 10; ++i) ada->say(chat_, std::to_string(i), i);
  bob->join(0);
  EXPECT_TRUE(bob->last(F::kWelcome)->welcome().recovered());
  bob->sync(1);
  EXPECT_EQ(bob->texts().size(), 10u);
}

TEST_P(Limits, ARoomThatIsTooFarAheadIsEnteredAtItsHead) {
  const ChatId room = make_chat(v1::ROOM, {1, 2});
  auto ada = device(1), bob = device(2);
  ada->join_live();
  bob->join_live();
  for (uint32_t i = 1; i <= 12; ++i) ada->say(room, std::to_string(i), i);
  bob->sync_room(room, 2);
  EXPECT_TRUE(bob->last(F::kSyncPage)->sync_page().reset());
  EXPECT_TRUE(bob->last(F::kSyncPage)->sync_page().done());
  EXPECT_EQ(bob->last(F::kSyncPage)->sync_page().next(), 14u);
  ada->say(room, "live", 13);
  EXPECT_EQ(bob->texts(), Texts{"live"});
}

class PacedAccepts : public Talk {
 protected:
  PacedAccepts() : Talk(slow()) {}

  static EnginePolicy slow() {
    EnginePolicy policy;
    policy.limits.accepts_per_second = 2;
    return policy;
  }
};
INSTANTIATE_TEST_SUITE_P(OneEngine, PacedAccepts, Values(1));

TEST_P(PacedAccepts, MoreConnectionsAtATimeThanTheRateAreClosedAndMayComeBack) {
  std::vector<std::unique_ptr<Device>> devices;
  for (uint64_t user = 1; user <= 4; ++user) {
    devices.push_back(device(user));
    devices.back()->connect();
  }
  run(100);
  EXPECT_FALSE(devices[0]->closed.has_value());
  EXPECT_FALSE(devices[1]->closed.has_value());
  EXPECT_EQ(devices[3]->closed, CloseCode::too_many_requests);
  EXPECT_GE(world_.counters().front().connections_refused, 1u);
  run(2'000);
  devices[3]->join_live();
  ASSERT_TRUE(devices[3]->last(F::kWelcome));
  EXPECT_EQ(devices[3]->last(F::kWelcome)->welcome().reconnect_window_ms(), 5'000u);
}

}  // namespace
}  // namespace chat::sim
