// Order and numbers of messages under concurrency, idempotency over both ways of sending, limits.
#include <map>
#include <numeric>
#include <set>

#include "tests/engine/talk.h"

namespace chat::sim {
namespace {

using testing::Values;
using Texts = std::vector<std::string>;
using F = v1::ServerFrame;

/// Events by their positions in the inbox; one that came twice has to be the same both times.
std::map<uint64_t, v1::Event> inbox_of(const Device& device) {
  std::map<uint64_t, v1::Event> inbox;
  const auto take = [&](uint64_t inbox_seq, const v1::Event& event) {
    const auto [known, is_new] = inbox.emplace(inbox_seq, event);
    EXPECT_TRUE(is_new || known->second.SerializeAsString() == event.SerializeAsString());
  };
  for (const v1::ServerFrame& frame : device.frames) {
    if (frame.has_event()) take(frame.inbox_seq(), frame.event());
    for (const v1::SyncEntry& entry : frame.sync_page().entries()) {
      take(entry.inbox_seq(), entry.event());
    }
  }
  return inbox;
}

class Order : public Talk {
 protected:
  /// Connects anew with the cursor that the device has, and reads to head.
  static void come_back(Device& device) {
    device.drop();
    const std::map<uint64_t, v1::Event> inbox = inbox_of(device);
    uint64_t next = inbox.empty() ? 2 : inbox.rbegin()->first + 1;
    device.join(next - 1);
    for (bool done = device.last(F::kWelcome)->welcome().live(); !done;) {
      device.sync(next);
      const v1::SyncPage& page = device.last(F::kSyncPage)->sync_page();
      EXPECT_FALSE(page.reset());
      next = page.next();
      done = page.done();
    }
  }
};
INSTANTIATE_TEST_SUITE_P(Engines, Order, Values(1, 2, 3));

/// R69: the home dies while all write; whoever has no answer says the same again.
TEST_P(Order, SixtyFourWritersGetDenseSeqsAndTheCrashOfTheHomeReusesNone) {
  constexpr uint32_t kWriters = 64, kEach = 6;
  std::vector<uint64_t> members(kWriters);
  std::iota(members.begin(), members.end(), 1);
  const ChatId group = make_chat(v1::GROUP, members);
  std::vector<std::unique_ptr<Device>> writers;
  for (uint64_t member : members) {
    writers.push_back(device(member));
    writers.back()->join_live();
  }
  const auto text = [](size_t writer, size_t key) {
    return std::to_string(writer + 1) + " says " + std::to_string(key);
  };
  for (uint32_t key = 1; key <= kEach; ++key) {
    for (size_t i = 0; i < kWriters; ++i) {
      writers[i]->post(writers[i]->message(group, text(i, key), key));
    }
    run(10);
    if (key == kEach / 2) world_.crash(home_of(group).value - 1, seconds(2));
  }
  run(10'000);
  std::vector<std::set<uint32_t>> unanswered(kWriters);
  std::map<uint64_t, std::string> acked;  // Texts by the seqs that they were promised.
  const auto take_acks = [&](size_t i) {
    for (uint32_t key = 1; key <= kEach; ++key) unanswered[i].insert(key);
    for (const v1::ServerFrame& frame : writers[i]->frames) {
      if (!frame.has_send_ack()) continue;
      const auto key = static_cast<uint32_t>(frame.send_ack().client_msg_id().front());
      unanswered[i].erase(key);
      EXPECT_EQ(acked.emplace(frame.send_ack().seq(), text(i, key)).first->second, text(i, key));
    }
  };
  for (size_t i = 0; i < kWriters; ++i) {
    take_acks(i);
    come_back(*writers[i]);
    for (uint32_t key : unanswered[i]) writers[i]->say(group, text(i, key), key);
    take_acks(i);
    EXPECT_TRUE(unanswered[i].empty()) << i;
  }
  std::vector<uint64_t> seqs, dense(kWriters * kEach + 1);
  std::iota(dense.begin(), dense.end(), 1);
  Texts log;
  for (const v1::Event& event : log_of(1, group)) {
    seqs.push_back(event.seq());
    if (event.has_message()) log.push_back(event.message().text());
  }
  EXPECT_EQ(seqs, dense);
  EXPECT_EQ(acked.size(), kWriters * kEach);
  for (const auto& [seq, promised] : acked) EXPECT_EQ(log.at(seq - 2), promised) << seq;
  for (auto& writer : writers) {
    come_back(*writer);
    Texts got;
    for (const auto& [inbox_seq, event] : inbox_of(*writer)) {
      EXPECT_EQ(inbox_seq, got.size() + 2) << "the members' event was the first";
      got.push_back(event.message().text());
    }
    EXPECT_EQ(got, log);
  }
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
