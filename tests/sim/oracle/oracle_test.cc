#include "sim/oracle/oracle.h"

#include <gtest/gtest.h>

#include "core/base/random.h"

namespace chat::sim {
namespace {

const ChatId kGroup = ChatId::named("group");
const ChatId kRoom = ChatId::named("room");
const ChatId kDirect = ChatId::direct(UserId{1}, UserId{2});

uint64_t content_of(const ChatId& chat, uint64_t seq) { return mix64(chat.hash() ^ seq); }

class OracleTest : public ::testing::Test {
 protected:
  // A log of `last` events, of which the first makes user 1 and 2 members.
  void log(const ChatId& chat, ChatKind kind, uint64_t last) {
    oracle_.truth_chat(chat, kind);
    for (uint64_t seq = 1; seq <= last; ++seq) {
      TruthEvent event{.seq = seq, .content = content_of(chat, seq), .is_sent = seq > 1};
      if (seq == 1) event.joined = {UserId{1}, UserId{2}};
      oracle_.truth_event(chat, event);
    }
  }

  void deliver(DeviceRef device, const ChatId& chat, uint64_t first, uint64_t last) {
    for (uint64_t seq = first; seq <= last; ++seq) {
      oracle_.delivered(device, chat, seq, content_of(chat, seq), false);
    }
  }

  DeviceRef new_device(UserId user) {
    const DeviceRef device = oracle_.add_device(user);
    oracle_.connected(device, 0);
    oracle_.snapshot(device, {}, true);
    return device;
  }

  Oracle oracle_;
};

TEST_F(OracleTest, FindsNothingInAnHonestRun) {
  const DeviceRef a = new_device(UserId{1}), b = new_device(UserId{2});
  deliver(a, kGroup, 1, 9);
  deliver(b, kGroup, 1, 9);
  log(kGroup, ChatKind::group, 9);
  const OracleReport report = oracle_.finish();
  EXPECT_TRUE(report.clean());
  EXPECT_EQ(report.counts.expected_deliveries, 18u);
  EXPECT_EQ(report.counts.delivered, 18u);
}

TEST_F(OracleTest, MissesWhatADeviceNeverSawAtAll) {
  new_device(UserId{1});
  log(kGroup, ChatKind::group, 9);
  EXPECT_EQ(oracle_.finish().counts.lost, 9u);
}

TEST_F(OracleTest, OwesNothingToADeviceThatNeverCameOrToAStranger) {
  oracle_.add_device(UserId{1});
  new_device(UserId{3});
  log(kGroup, ChatKind::group, 9);
  EXPECT_EQ(oracle_.finish().counts.expected_deliveries, 0u);
}

TEST_F(OracleTest, StartsAtTheSnapshotOrAtTheFirstEventBeforeIt) {
  const DeviceRef at_head = oracle_.add_device(UserId{1});
  oracle_.snapshot(at_head, {{kGroup, 5}}, true);
  deliver(at_head, kGroup, 6, 9);
  const DeviceRef earlier = oracle_.add_device(UserId{2});
  oracle_.snapshot(earlier, {{kGroup, 5}}, true);
  deliver(earlier, kGroup, 4, 4);
  deliver(earlier, kGroup, 6, 9);
  log(kGroup, ChatKind::group, 9);
  const OracleReport report = oracle_.finish();
  EXPECT_EQ(report.counts.expected_deliveries, 4u + 6u);
  EXPECT_EQ(report.counts.lost, 1u);
}

TEST_F(OracleTest, ExpectsOnlyWhatFallsIntoAMembership) {
  const DeviceRef device = new_device(UserId{3});
  oracle_.truth_chat(kGroup, ChatKind::group);
  for (uint64_t seq = 1; seq <= 12; ++seq) {
    TruthEvent event{.seq = seq, .content = content_of(kGroup, seq)};
    if (seq == 3 || seq == 9) event.joined = {UserId{3}};
    if (seq == 5) event.left = {UserId{3}};
    oracle_.truth_event(kGroup, event);
  }
  deliver(device, kGroup, 3, 5);
  deliver(device, kGroup, 9, 12);
  deliver(device, kGroup, 7, 7);
  const OracleReport report = oracle_.finish();
  EXPECT_EQ(report.counts.expected_deliveries, 7u);
  EXPECT_EQ(report.counts.lost, 0u);
  EXPECT_EQ(report.counts.phantom, 1u);
}

TEST_F(OracleTest, DirectChatsBelongToBothFromTheirFirstEvent) {
  const DeviceRef device = new_device(UserId{2});
  oracle_.truth_chat(kDirect, ChatKind::direct);
  oracle_.truth_event(kDirect, {.seq = 1, .content = 5, .is_sent = true});
  EXPECT_EQ(oracle_.finish().counts.lost, 1u);
  EXPECT_EQ(device.value, 1u);
}

TEST_F(OracleTest, HistoryFillsWhatAResetJumpedOver) {
  const DeviceRef device = new_device(UserId{1});
  deliver(device, kGroup, 1, 2);
  oracle_.snapshot(device, {{kGroup, 7}}, true);
  deliver(device, kGroup, 8, 9);
  for (uint64_t seq = 2; seq <= 6; ++seq) {
    oracle_.by_history(device, kGroup, seq, content_of(kGroup, seq));
  }
  oracle_.pruned(device, kGroup, 7, false);
  log(kGroup, ChatKind::group, 9);
  const OracleReport report = oracle_.finish();
  EXPECT_TRUE(report.clean());
  EXPECT_EQ(report.counts.delivered, 4u);
  EXPECT_EQ(report.counts.by_history, 4u);
  EXPECT_EQ(report.counts.pruned, 1u);
}

TEST_F(OracleTest, JudgesTheContentOfHistoryToo) {
  const DeviceRef device = oracle_.add_device(UserId{1});
  oracle_.by_history(device, kGroup, 2, 4711);
  oracle_.by_history(device, kGroup, 12, 4711);
  log(kGroup, ChatKind::group, 9);
  EXPECT_EQ(oracle_.finish().counts.phantom, 2u);
}

TEST_F(OracleTest, CountsWhatARoomJumpsOverAsSkipped) {
  const DeviceRef device = oracle_.add_device(UserId{1});
  oracle_.room_started(device, kRoom, 3);
  for (uint64_t seq : {3, 4, 8, 9}) {
    if (seq == 8) oracle_.room_jumped(device, kRoom, 8);
    oracle_.delivered(device, kRoom, seq, content_of(kRoom, seq), true);
  }
  log(kRoom, ChatKind::room, 9);
  const OracleReport report = oracle_.finish();
  EXPECT_TRUE(report.clean());
  EXPECT_EQ(report.counts.expected_deliveries, 7u);
  EXPECT_EQ(report.counts.skipped, 3u);
}

TEST_F(OracleTest, OwesARoomsMemberEventToTheInboxOfTheMember) {
  const DeviceRef device = new_device(UserId{1});
  log(kRoom, ChatKind::room, 9);
  const OracleReport report = oracle_.finish();
  EXPECT_EQ(report.counts.lost, 1u);
  EXPECT_EQ(device.value, 1u);
}

TEST_F(OracleTest, NoLongerExpectsARoomThatWasLeft) {
  const DeviceRef device = oracle_.add_device(UserId{1});
  oracle_.room_started(device, kRoom, 1);
  oracle_.delivered(device, kRoom, 1, content_of(kRoom, 1), true);
  oracle_.room_ended(device, kRoom);
  oracle_.room_started(device, kRoom, 8);
  for (uint64_t seq : {8, 9}) {
    oracle_.delivered(device, kRoom, seq, content_of(kRoom, seq), true);
  }
  log(kRoom, ChatKind::room, 9);
  const OracleReport report = oracle_.finish();
  EXPECT_TRUE(report.clean());
  EXPECT_EQ(report.counts.expected_deliveries, 3u);
}

TEST_F(OracleTest, JudgesTheWirePerConnectionAndAgainstTheCursor) {
  const DeviceRef device = oracle_.add_device(UserId{1});
  oracle_.connected(device, 4);
  oracle_.on_wire(device, kGroup, 1, 4);
  oracle_.on_wire(device, kGroup, 2, 6);
  oracle_.on_wire(device, kGroup, 3, 5);
  oracle_.connected(device, 5);
  oracle_.on_wire(device, kGroup, 2, 6);
  oracle_.room_connected(device, kRoom, 2);
  oracle_.on_wire(device, kRoom, 2, 0);
  const OracleReport report = oracle_.finish();
  EXPECT_EQ(report.counts.duplicate, 2u);
  EXPECT_EQ(report.counts.reordered, 1u);
}

TEST_F(OracleTest, HoldsEverySendToItsAnswer) {
  const DeviceRef device = new_device(UserId{1});
  const auto send = [&](uint64_t seq) {
    return oracle_.sent(device, kGroup, content_of(kGroup, seq));
  };
  oracle_.acked(send(2), 2);
  oracle_.acked(send(3), 4);        // Another seq than the log's.
  oracle_.acked(send(99), 99);      // Not in the log at all.
  oracle_.refused(send(5), false);  // Stored all the same.
  oracle_.refused(send(6), true);
  oracle_.refused(send(98), true);
  send(7);
  const SendRef retried = send(8);
  oracle_.sent_again(retried);
  oracle_.refused(retried, false);
  deliver(device, kGroup, 1, 9);
  log(kGroup, ChatKind::group, 9);
  const OracleReport report = oracle_.finish();
  EXPECT_EQ(report.counts.sent, 8u);
  EXPECT_EQ(report.counts.acked, 3u);
  EXPECT_EQ(report.counts.refused, 2u);
  EXPECT_EQ(report.counts.lost, 1u);
  EXPECT_EQ(report.counts.phantom, 2u);
}

TEST_F(OracleTest, CountsChangesApartFromMessagesAndHoldsThemToTheirAnswers) {
  const DeviceRef device = new_device(UserId{1});
  const auto change = [&](uint64_t seq, Operation operation) {
    return oracle_.sent(device, kGroup, content_of(kGroup, seq), operation);
  };
  oracle_.acked(oracle_.sent(device, kGroup, content_of(kGroup, 2)), 2);
  oracle_.acked(change(3, Operation::edit), 3);
  oracle_.acked(change(99, Operation::deletion), 99);  // Not in the log.
  oracle_.refused(change(98, Operation::reaction), false);
  oracle_.refused(change(97, Operation::reaction), true);
  deliver(device, kGroup, 1, 9);
  log(kGroup, ChatKind::group, 9);
  const OracleCounts counts = oracle_.finish().counts;
  EXPECT_EQ(counts.sent, 1u);
  EXPECT_EQ(counts.acked, 1u);
  EXPECT_EQ(counts.edits.sent, 1u);
  EXPECT_EQ(counts.edits.acked, 1u);
  EXPECT_EQ(counts.deletions.acked, 1u);
  EXPECT_EQ(counts.reactions.sent, 2u);
  EXPECT_EQ(counts.reactions.refused, 1u);
  EXPECT_EQ(counts.lost, 1u);
  EXPECT_EQ(counts.phantom, 0u);
}

TEST_F(OracleTest, TakesATombstoneForWhatWasDeletedAndForNothingElse) {
  const DeviceRef device = new_device(UserId{1});
  const DeviceRef later = new_device(UserId{2});
  oracle_.acked(oracle_.sent(device, kDirect, 5), 1);
  oracle_.truth_chat(kDirect, ChatKind::direct);
  oracle_.truth_event(kDirect, {.seq = 1, .content = kTombstone});
  oracle_.truth_event(kDirect, {.seq = 2, .content = 6});
  oracle_.delivered(device, kDirect, 1, 5, false);
  oracle_.delivered(device, kDirect, 2, 6, false);
  oracle_.delivered(later, kDirect, 1, kTombstone, false);
  oracle_.delivered(later, kDirect, 2, kTombstone, false);
  oracle_.stale("shown though deleted");
  const OracleReport report = oracle_.finish();
  EXPECT_EQ(report.counts.tombstones, 2u);
  EXPECT_EQ(report.counts.phantom, 1u);
  EXPECT_EQ(report.counts.lost, 0u);
  EXPECT_EQ(report.counts.stale, 1u);
  EXPECT_FALSE(report.clean());
}

TEST_F(OracleTest, FindsOneMessageAtTwoSeqs) {
  const DeviceRef device = new_device(UserId{1});
  oracle_.acked(oracle_.sent(device, kDirect, 5), 1);
  oracle_.truth_chat(kDirect, ChatKind::direct);
  for (uint64_t seq : {1, 2}) {
    oracle_.truth_event(kDirect, {.seq = seq, .content = 5, .is_sent = true});
    oracle_.delivered(device, kDirect, seq, 5, false);
  }
  const OracleReport report = oracle_.finish();
  EXPECT_EQ(report.counts.duplicate, 1u);
  EXPECT_EQ(report.counts.phantom, 0u);
}

TEST_F(OracleTest, FindsSendsOfOneDeviceStoredInAnotherOrder) {
  const DeviceRef device = oracle_.add_device(UserId{1});
  const SendRef first = oracle_.sent(device, kGroup, content_of(kGroup, 5));
  const SendRef second = oracle_.sent(device, kGroup, content_of(kGroup, 3));
  const SendRef retried = oracle_.sent(device, kGroup, content_of(kGroup, 7));
  oracle_.sent(device, kGroup, content_of(kGroup, 6));
  oracle_.sent_again(retried);  // May stand before or after what was sent in between.
  oracle_.acked(first, 5);
  oracle_.acked(second, 3);
  oracle_.acked(retried, 7);
  log(kGroup, ChatKind::group, 9);
  EXPECT_EQ(oracle_.finish().counts.reordered, 1u);
}

TEST_F(OracleTest, CountsLiveDeliveriesAboveTheLimitAsLate) {
  const DeviceRef device = oracle_.add_device(UserId{1});
  oracle_.judge_latency(device, kGroup, 1, milliseconds(1'000));
  oracle_.judge_latency(device, kGroup, 1, milliseconds(1'001));
  EXPECT_EQ(oracle_.finish().counts.late, 1u);
}

// A server that carries messages of many chats to many devices and now and then lies.
class LyingServer {
 public:
  struct Lies {
    uint64_t lost = 0, repeated = 0, swapped = 0, invented = 0;
  };

  LyingServer(uint64_t seed, uint64_t one_in) : random_(seed), one_in_(one_in) {
    for (int i = 0; i < kChats; ++i) {
      chats_.push_back(ChatId::named("chat " + std::to_string(i)));
      kinds_.push_back(i % 4 == 0 ? ChatKind::room : ChatKind::group);
    }
    for (int user = 1; user <= kUsers; ++user) {
      inboxes_.push_back({oracle_.add_device(UserId{static_cast<uint64_t>(user)}), 0, {}});
      oracle_.connected(inboxes_.back().device, 0);
      oracle_.snapshot(inboxes_.back().device, {}, true);
    }
  }

  OracleReport run() {
    std::vector<uint64_t> last(kChats);
    for (uint64_t seq = 1; seq <= kEvents; ++seq) {
      for (int chat = 0; chat < kChats; ++chat) fan_out(chat, last[chat] = seq);
    }
    for (int chat = 0; chat < kChats; ++chat) {
      oracle_.truth_chat(chats_[chat], kinds_[chat]);
      for (uint64_t seq = 1; seq <= last[chat]; ++seq) {
        TruthEvent event{.seq = seq, .content = content_of(chats_[chat], seq)};
        if (seq == 1) event.joined = members_of(chat);
        oracle_.truth_event(chats_[chat], event);
      }
    }
    return oracle_.finish();
  }

  const Lies& lies() const { return lies_; }
  uint64_t deliveries() const { return deliveries_; }

 private:
  static constexpr int kChats = 40;
  static constexpr int kUsers = 80;
  static constexpr uint64_t kEvents = 700;

  struct Inbox {
    DeviceRef device;
    uint64_t head;
    std::map<int, std::vector<uint64_t>> held;  ///< By chat: a seq that waits to be swapped.
  };

  std::vector<UserId> members_of(int chat) {
    std::vector<UserId> users;
    for (int i = 0; i < 20; ++i) {
      users.push_back(UserId{static_cast<uint64_t>((chat * 7 + i * 3) % kUsers + 1)});
    }
    return users;
  }

  void fan_out(int chat, uint64_t seq) {
    for (UserId user : members_of(chat)) {
      Inbox& inbox = inboxes_[user.value - 1];
      const bool room = kinds_[chat] == ChatKind::room;
      if (room && seq == 1) {
        oracle_.room_started(inbox.device, chats_[chat], 1);
        carry(inbox, chat, seq, ++inbox.head);
      }
      lie_or_carry(inbox, chat, seq, room);
    }
  }

  void lie_or_carry(Inbox& inbox, int chat, uint64_t seq, bool room) {
    ++deliveries_;
    const uint64_t position = room ? 0 : ++inbox.head;
    if (auto held = inbox.held.find(chat); held != inbox.held.end()) {
      carry(inbox, chat, seq, position);
      carry(inbox, chat, held->second[0], held->second[1]);
      inbox.held.erase(held);
    } else if (random_.chance(1, one_in_)) {
      ++lies_.lost;
    } else if (random_.chance(1, one_in_)) {
      ++lies_.repeated;
      carry(inbox, chat, seq, position);
      oracle_.on_wire(inbox.device, chats_[chat], seq, position);
    } else if (random_.chance(1, one_in_) && seq < kEvents) {
      ++lies_.swapped;
      inbox.held[chat] = {seq, position};
    } else {
      carry(inbox, chat, seq, position);
      if (random_.chance(1, one_in_)) invent(inbox, chat, seq, room);
    }
  }

  // Half of the inventions are events that nobody wrote, half are real ones with other words.
  void invent(Inbox& inbox, int chat, uint64_t seq, bool room) {
    ++lies_.invented;
    if (random_.chance(1, 2)) {
      oracle_.by_history(inbox.device, chats_[chat], seq, 1 + lies_.invented);
      return;
    }
    const uint64_t beyond = kEvents + lies_.invented;
    if (!room) oracle_.on_wire(inbox.device, chats_[chat], beyond, ++inbox.head);
    oracle_.delivered(inbox.device, chats_[chat], beyond, 1, room);
  }

  void carry(Inbox& inbox, int chat, uint64_t seq, uint64_t position) {
    oracle_.on_wire(inbox.device, chats_[chat], seq, position);
    oracle_.delivered(inbox.device, chats_[chat], seq, content_of(chats_[chat], seq),
                      position == 0);
  }

  Random random_;
  uint64_t one_in_;
  Oracle oracle_;
  Lies lies_;
  uint64_t deliveries_ = 0;
  std::vector<ChatId> chats_;
  std::vector<ChatKind> kinds_;
  std::vector<Inbox> inboxes_;
};

TEST(Oracle, CountsExactlyTheLiesOfALyingServer) {
  for (uint64_t seed = 1; seed <= 3; ++seed) {
    LyingServer server(seed, 10'000);
    const OracleCounts counts = server.run().counts;
    EXPECT_GT(server.lies().lost, 20u);
    EXPECT_GT(server.lies().repeated, 20u);
    EXPECT_GT(server.lies().swapped, 20u);
    EXPECT_GT(server.lies().invented, 20u);
    EXPECT_EQ(counts.lost, server.lies().lost);
    EXPECT_EQ(counts.duplicate, server.lies().repeated);
    EXPECT_EQ(counts.reordered, server.lies().swapped);
    EXPECT_EQ(counts.phantom, server.lies().invented);
    EXPECT_EQ(counts.delivered + counts.lost, counts.expected_deliveries);
  }
}

}  // namespace
}  // namespace chat::sim
