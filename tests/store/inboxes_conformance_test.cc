// What every ChatStore does with inboxes and the rows of users.
#include "tests/store/chat_store_conformance.h"

namespace chat::store_test {
namespace {

TEST_P(ChatStoreConformance, InboxEntriesComeWithTheirEvents) {
  const ChatId a = chat_id("a");
  const ChatId b = chat_id("b");
  fill(a, 4);
  fill(b, 2);
  const InboxResult result = append_inbox(
      store(), inbox_of(7, 0, {run_row(1, a, 1, 3), marker_row(4, a, 2), run_row(5, b, 2, 1)}));
  EXPECT_EQ(result.outcome, WriteOutcome::stored);
  EXPECT_EQ(result.head, 5u);
  const auto inbox = read<InboxRead>(store(), ReadInbox{UserId{7}});
  ASSERT_EQ(inbox.entries.size(), 5u);
  for (size_t i = 0; i < 5; ++i) EXPECT_EQ(inbox.entries[i].inbox_seq, i + 1);
  EXPECT_EQ(inbox.entries[0].stored_event, event_text(a, 1));
  EXPECT_EQ(inbox.entries[2].stored_event, event_text(a, 3));
  EXPECT_EQ(inbox.entries[2].chat, a);
  EXPECT_EQ(inbox.entries[2].seq, 3u);
  EXPECT_EQ(inbox.entries[3].kind, InboxRow::Kind::read_marker);
  EXPECT_EQ(inbox.entries[3].seq, 2u);
  EXPECT_EQ(inbox.entries[3].stored_event, "");
  EXPECT_EQ(inbox.entries[4].chat, b);
  EXPECT_EQ(inbox.entries[4].stored_event, event_text(b, 2));
}

TEST_P(ChatStoreConformance, ReadInboxStartsInTheMiddleOfARun) {
  const ChatId a = chat_id("a");
  fill(a, 9);
  ASSERT_EQ(append_inbox(store(), inbox_of(6, 0, {run_row(1, a, 1, 1)})).outcome,
            WriteOutcome::stored);
  ASSERT_EQ(
      append_inbox(store(), inbox_of(7, 0, {run_row(1, a, 1, 4), run_row(5, a, 5, 4)})).outcome,
      WriteOutcome::stored);
  ASSERT_EQ(append_inbox(store(), inbox_of(8, 0, {run_row(1, a, 9, 1)})).outcome,
            WriteOutcome::stored);
  for (uint64_t from = 1; from <= 8; ++from) {
    const auto inbox = read<InboxRead>(store(), ReadInbox{UserId{7}, from});
    ASSERT_EQ(inbox.entries.size(), 9 - from);
    EXPECT_EQ(inbox.entries[0].inbox_seq, from);
    EXPECT_EQ(inbox.entries[0].stored_event, event_text(a, from));
  }
  EXPECT_TRUE(read<InboxRead>(store(), ReadInbox{UserId{7}, 9}).entries.empty());
  EXPECT_EQ(read<InboxRead>(store(), ReadInbox{UserId{7}, 0}).entries.size(), 8u);
  EXPECT_TRUE(read<InboxRead>(store(), ReadInbox{UserId{5}, 1}).entries.empty());
}

TEST_P(ChatStoreConformance, ReadInboxKeepsToItsLimits) {
  const ChatId a = chat_id("a");
  fill(a, 9);
  ASSERT_EQ(
      append_inbox(store(), inbox_of(7, 0, {run_row(1, a, 1, 4), run_row(5, a, 5, 5)})).outcome,
      WriteOutcome::stored);
  EXPECT_EQ(read<InboxRead>(store(), ReadInbox{UserId{7}, 3, 4}).entries.back().inbox_seq, 6u);
  const uint64_t size = event_text(a, 1).size();
  EXPECT_EQ(read<InboxRead>(store(), ReadInbox{UserId{7}, 1, 500, size * 6}).entries.size(), 6u);
  EXPECT_EQ(read<InboxRead>(store(), ReadInbox{UserId{7}, 1, 500, 1}).entries.size(), 1u);
}

TEST_P(ChatStoreConformance, AnInboxEntryOfAnEventThatIsNotThereReadsAsPruned) {
  const ChatId a = chat_id("a");
  fill(a, 1);
  ASSERT_EQ(
      append_inbox(store(), inbox_of(7, 0, {run_row(1, a, 1, 2), run_row(3, chat_id("x"), 4, 1)}))
          .outcome,
      WriteOutcome::stored);
  const auto inbox = read<InboxRead>(store(), ReadInbox{UserId{7}});
  ASSERT_EQ(inbox.entries.size(), 3u);
  EXPECT_EQ(inbox.entries[0].stored_event, event_text(a, 1));
  EXPECT_EQ(inbox.entries[1].stored_event, "");
  EXPECT_EQ(inbox.entries[2].stored_event, "");
  EXPECT_EQ(inbox.entries[2].seq, 4u);
}

TEST_P(ChatStoreConformance, AnotherInboxHeadIsAConflictOfThatUserOnly) {
  const ChatId a = chat_id("a");
  fill(a, 3);
  ASSERT_EQ(append_inbox(store(), inbox_of(7, 0, {run_row(1, a, 1, 1)})).outcome,
            WriteOutcome::stored);
  AppendInboxes command;
  command.writes = {inbox_of(6, 0, {run_row(1, a, 1, 1)}), inbox_of(7, 0, {run_row(1, a, 2, 2)}),
                    inbox_of(8, 0, {run_row(1, a, 1, 3)})};
  const auto answer = take<AppendInboxesResult>(write_one(store(), command));
  ASSERT_EQ(answer.results.size(), 3u);
  EXPECT_EQ(answer.results[0].outcome, WriteOutcome::stored);
  EXPECT_EQ(answer.results[1].outcome, WriteOutcome::conflict);
  EXPECT_EQ(answer.results[1].head, 1u);
  EXPECT_EQ(answer.results[2].outcome, WriteOutcome::stored);
  EXPECT_EQ(answer.results[2].head, 3u);
  const auto loaded = read<UserLoaded>(store(), LoadUser{UserId{7}});
  EXPECT_EQ(loaded.row.inbox_head, 1u);
  ASSERT_EQ(loaded.chats.size(), 1u);
  EXPECT_EQ(loaded.chats[0].last_ref_seq, 1u);
  EXPECT_EQ(read<UserLoaded>(store(), LoadUser{UserId{8}}).row.inbox_head, 3u);
}

TEST_P(ChatStoreConformance, TwoInboxWritesOfOneUserInOneCallSeeEachOther) {
  const ChatId a = chat_id("a");
  fill(a, 3);
  AppendInboxes first;
  first.writes = {inbox_of(7, 0, {run_row(1, a, 1, 2)})};
  AppendInboxes second;
  second.writes = {inbox_of(7, 2, {run_row(3, a, 3, 1)})};
  const std::vector<StoreCommand> commands{first, SaveUser{UserId{7}, 1, kNowMs}, second, first};
  const auto results = store().write(commands);
  ASSERT_EQ(results.size(), 4u);
  EXPECT_EQ(take<AppendInboxesResult>(results[0]).results.at(0).outcome, WriteOutcome::stored);
  EXPECT_EQ(take<AppendInboxesResult>(results[2]).results.at(0).outcome, WriteOutcome::stored);
  EXPECT_EQ(take<AppendInboxesResult>(results[3]).results.at(0).outcome, WriteOutcome::conflict);
  const auto loaded = read<UserLoaded>(store(), LoadUser{UserId{7}});
  EXPECT_EQ(loaded.row.inbox_head, 3u);
  EXPECT_EQ(loaded.row.delivered_inbox_seq, 1u);
  EXPECT_EQ(read<InboxRead>(store(), ReadInbox{UserId{7}}).entries.size(), 3u);
}

TEST_P(ChatStoreConformance, AnUnknownUserReadsAsEmpty) {
  const auto loaded = read<UserLoaded>(store(), LoadUser{UserId{7}});
  EXPECT_EQ(loaded.row.inbox_head, 0u);
  EXPECT_TRUE(loaded.chats.empty());
  EXPECT_TRUE(read<UserChatsListed>(store(), ListUserChats{UserId{7}}).items.empty());
  EXPECT_TRUE(read<AuthoredListed>(store(), ListAuthored{UserId{7}}).items.empty());
}

TEST_P(ChatStoreConformance, SaveUserNeverLowersDeliveredAndKeepsUnsetFields) {
  take<Saved>(write_one(store(), SaveUser{UserId{7}, 5, 100}));
  take<Saved>(write_one(store(), SaveUser{UserId{7}, 3, std::nullopt}));
  take<Saved>(write_one(store(), SaveUser{UserId{7}, std::nullopt, 50}));
  const auto loaded = read<UserLoaded>(store(), LoadUser{UserId{7}});
  EXPECT_EQ(loaded.row.delivered_inbox_seq, 5u);
  EXPECT_EQ(loaded.row.last_seen_ms, 50);
  EXPECT_EQ(loaded.row.inbox_head, 0u);
}

TEST_P(ChatStoreConformance, AnInboxWriteKeepsTheSoftFactsOfTheUser) {
  fill(chat_id("a"), 1);
  take<Saved>(write_one(store(), SaveUser{UserId{7}, 5, 100}));
  ASSERT_EQ(append_inbox(store(), inbox_of(7, 0, {run_row(1, chat_id("a"), 1, 1)})).outcome,
            WriteOutcome::stored);
  const auto loaded = read<UserLoaded>(store(), LoadUser{UserId{7}});
  EXPECT_EQ(loaded.row.delivered_inbox_seq, 5u);
  EXPECT_EQ(loaded.row.last_seen_ms, 100);
  EXPECT_EQ(loaded.row.inbox_head, 1u);
}

TEST_P(ChatStoreConformance, UserChatsAreReplacedPerChatAndSorted) {
  InboxWrite write = inbox_of(7, 0, {});
  write.chats = {{chat_id("b"), 4, 1}, {chat_id("a"), 2, 0}};
  ASSERT_EQ(append_inbox(store(), write).outcome, WriteOutcome::stored);
  write.chats = {{chat_id("b"), 6, 5}};
  ASSERT_EQ(append_inbox(store(), write).outcome, WriteOutcome::stored);
  const auto loaded = read<UserLoaded>(store(), LoadUser{UserId{7}});
  ASSERT_EQ(loaded.chats.size(), 2u);
  EXPECT_LT(loaded.chats[0].chat, loaded.chats[1].chat);
  const UserChatRow& b = loaded.chats[0].chat == chat_id("b") ? loaded.chats[0] : loaded.chats[1];
  EXPECT_EQ(b.last_ref_seq, 6u);
  EXPECT_EQ(b.read_seq, 5u);
}

}  // namespace
}  // namespace chat::store_test
