// How every ChatStore reads the log of a chat.
#include "tests/store/chat_store_conformance.h"

namespace chat::store_test {
namespace {

TEST_P(ChatStoreConformance, ReadEventsKeepsToItsRangeAndLimit) {
  const ChatId chat = chat_id("a");
  fill(chat, 10);
  fill(chat_id("b"), 10);
  ReadEvents command{chat, 3, 8};
  EXPECT_EQ(seqs_of(read<EventsRead>(store(), command)), (Seqs{3, 4, 5, 6, 7, 8}));
  command.limit = 2;
  EXPECT_EQ(seqs_of(read<EventsRead>(store(), command)), (Seqs{3, 4}));
  command.to_seq = kStillMember;
  command.from_seq = 10;
  EXPECT_EQ(seqs_of(read<EventsRead>(store(), command)), (Seqs{10}));
  command.from_seq = 11;
  EXPECT_TRUE(read<EventsRead>(store(), command).rows.empty());
  command.from_seq = 0;
  EXPECT_EQ(seqs_of(read<EventsRead>(store(), command)), (Seqs{1, 2}));
}

TEST_P(ChatStoreConformance, ReadEventsNewestFirstComesInAscendingOrder) {
  const ChatId chat = chat_id("a");
  fill(chat_id("b"), 3);
  fill(chat, 10);
  fill(chat_id("c"), 3);
  ReadEvents command{chat};
  command.newest_first = true;
  command.limit = 3;
  EXPECT_EQ(seqs_of(read<EventsRead>(store(), command)), (Seqs{8, 9, 10}));
  command.to_seq = 5;
  EXPECT_EQ(seqs_of(read<EventsRead>(store(), command)), (Seqs{3, 4, 5}));
  command.to_seq = 2;
  EXPECT_EQ(seqs_of(read<EventsRead>(store(), command)), (Seqs{1, 2}));
  command.from_seq = 2;
  EXPECT_EQ(seqs_of(read<EventsRead>(store(), command)), (Seqs{2}));
}

TEST_P(ChatStoreConformance, ReadEventsStopsAtItsBytesButGivesAtLeastOne) {
  const ChatId chat = chat_id("a");
  fill(chat, 9);
  const uint64_t size = event_text(chat, 1).size();
  ReadEvents command{chat};
  command.bytes_max = size * 3;
  EXPECT_EQ(seqs_of(read<EventsRead>(store(), command)), (Seqs{1, 2, 3}));
  command.bytes_max = size * 3 - 1;
  EXPECT_EQ(seqs_of(read<EventsRead>(store(), command)), (Seqs{1, 2}));
  command.bytes_max = 1;
  EXPECT_EQ(seqs_of(read<EventsRead>(store(), command)), (Seqs{1}));
  command.newest_first = true;
  EXPECT_EQ(seqs_of(read<EventsRead>(store(), command)), (Seqs{9}));
}

TEST_P(ChatStoreConformance, ReadsStartAtTheOldestSeq) {
  const ChatId chat = chat_id("a");
  fill(chat, 5);
  ASSERT_EQ(append_inbox(store(), inbox_of(7, 0, {run_row(1, chat, 1, 5)})).outcome,
            WriteOutcome::stored);
  AppendEvents prune = append_of(chat, 5, 0);
  prune.row.oldest_seq = 4;
  ASSERT_EQ(append(store(), prune).outcome, WriteOutcome::stored);
  ReadEvents command{chat};
  EXPECT_EQ(seqs_of(read<EventsRead>(store(), command)), (Seqs{4, 5}));
  command.newest_first = true;
  EXPECT_EQ(seqs_of(read<EventsRead>(store(), command)), (Seqs{4, 5}));
  const auto inbox = read<InboxRead>(store(), ReadInbox{UserId{7}});
  ASSERT_EQ(inbox.entries.size(), 5u) << "a pruned event keeps its inbox position";
  EXPECT_EQ(inbox.entries[2].seq, 3u);
  EXPECT_EQ(inbox.entries[2].stored_event, "");
  EXPECT_EQ(inbox.entries[3].stored_event, event_text(chat, 4));
}

}  // namespace
}  // namespace chat::store_test
