// What every ChatStore does with the rows of a chat: appends, conflicts, keys.
#include "tests/store/chat_store_conformance.h"

namespace chat::store_test {
namespace {

TEST_P(ChatStoreConformance, AnUnknownChatHasNoRowAndNoEvents) {
  const auto loaded = read<ChatLoaded>(store(), LoadChat{chat_id("a")});
  EXPECT_FALSE(loaded.row);
  EXPECT_TRUE(loaded.members.empty());
  EXPECT_TRUE(read<EventsRead>(store(), ReadEvents{chat_id("a")}).rows.empty());
}

TEST_P(ChatStoreConformance, MarksAndPositionsOfAChatNeverGoDown) {
  AppendEvents newer = append_of(chat_id("a"), 0, 3);
  newer.row.fanned_seq = 3;
  newer.row.oldest_seq = 2;
  newer.row.receipts_ms = 50;
  newer.members = {{UserId{9}, Role::member, 1, kStillMember, 3, 1}};
  ASSERT_EQ(append(store(), newer).outcome, WriteOutcome::stored);
  AppendEvents older = append_of(chat_id("a"), 3, 0);
  older.row.fanned_seq = 1;
  older.row.receipts_ms = 40;
  older.members = {{UserId{9}, Role::admin, 1, kStillMember, 2, 2}};
  ASSERT_EQ(append(store(), older).outcome, WriteOutcome::stored);
  const auto loaded = read<ChatLoaded>(store(), LoadChat{chat_id("a")});
  EXPECT_EQ(loaded.row->fanned_seq, 3u);
  EXPECT_EQ(loaded.row->oldest_seq, 2u);
  EXPECT_EQ(loaded.row->receipts_ms, 50);
  EXPECT_EQ(loaded.members.at(0).role, Role::admin);
  EXPECT_EQ(loaded.members.at(0).delivered_seq, 3u);
  EXPECT_EQ(loaded.members.at(0).read_seq, 2u);
  EXPECT_TRUE(read<PendingScanned>(store(), ScanPending{}).chats.empty()) << "it is fanned out";
}

TEST_P(ChatStoreConformance, MarksOfTwoAppendsInOneCallKeepTheHigher) {
  AppendEvents first = append_of(chat_id("a"), 0, 3), second = append_of(chat_id("a"), 3, 0);
  first.members = {{UserId{9}, Role::member, 1, kStillMember, 3, 3}};
  second.members = {{UserId{9}, Role::member, 1, kStillMember, 1, 1}};
  const std::vector<StoreCommand> commands{first, second};
  store().write(commands);
  const auto loaded = read<ChatLoaded>(store(), LoadChat{chat_id("a")});
  EXPECT_EQ(loaded.members.at(0).delivered_seq, 3u);
  EXPECT_EQ(loaded.members.at(0).read_seq, 3u);
}

TEST_P(ChatStoreConformance, AppendedEventsAreReadBackDense) {
  const ChatId chat = chat_id("a");
  const AppendResult first = append(store(), append_of(chat, 0, 3));
  EXPECT_EQ(first.outcome, WriteOutcome::stored);
  EXPECT_EQ(first.head, 3u);
  EXPECT_EQ(append(store(), append_of(chat, 3, 2)).head, 5u);
  const auto events = read<EventsRead>(store(), ReadEvents{chat});
  ASSERT_EQ(seqs_of(events), (Seqs{1, 2, 3, 4, 5}));
  for (const EventRow& row : events.rows) EXPECT_EQ(row.stored_event, event_text(chat, row.seq));
}

TEST_P(ChatStoreConformance, EveryFieldOfRowsAndMembersSurvives) {
  AppendEvents command = append_of(chat_id("a"), 0, 2);
  command.row.kind = ChatKind::room;
  command.row.title = std::string("tit\0le \xc3\xa4", 9);
  command.row.fanned_seq = 1;
  command.row.oldest_seq = 2;
  command.row.receipts_ms = kNowMs + 1;
  command.row.retention_ms = 600'000;
  command.row.ended = true;
  command.members = {{UserId{9}, Role::owner, 1, kStillMember, 2, 1},
                     {UserId{kUserIdMax}, Role::member, 1, 2, 0, 0, true}};
  ASSERT_EQ(append(store(), command).outcome, WriteOutcome::stored);
  const auto loaded = read<ChatLoaded>(store(), LoadChat{command.chat});
  ASSERT_TRUE(loaded.row);
  EXPECT_EQ(loaded.row->kind, ChatKind::room);
  EXPECT_EQ(loaded.row->title, command.row.title);
  EXPECT_EQ(loaded.row->last_seq, 2u);
  EXPECT_EQ(loaded.row->fanned_seq, 1u);
  EXPECT_EQ(loaded.row->oldest_seq, 2u);
  EXPECT_EQ(loaded.row->last_ts_ms, kNowMs);
  EXPECT_EQ(loaded.row->receipts_ms, kNowMs + 1);
  EXPECT_EQ(loaded.row->created_ms, kNowMs - 5);
  EXPECT_EQ(loaded.row->member_count, 3u);
  EXPECT_EQ(loaded.row->retention_ms, 600'000);
  EXPECT_TRUE(loaded.row->ended);
  ASSERT_EQ(loaded.members.size(), 2u);
  EXPECT_EQ(loaded.members[0].user, UserId{9});
  EXPECT_EQ(loaded.members[0].role, Role::owner);
  EXPECT_EQ(loaded.members[0].joined_seq, 1u);
  EXPECT_EQ(loaded.members[0].left_seq, kStillMember);
  EXPECT_EQ(loaded.members[0].delivered_seq, 2u);
  EXPECT_EQ(loaded.members[0].read_seq, 1u);
  EXPECT_FALSE(loaded.members[0].banned);
  EXPECT_EQ(loaded.members[1].user, UserId{kUserIdMax});
  EXPECT_EQ(loaded.members[1].left_seq, 2u);
  EXPECT_TRUE(loaded.members[1].banned);
}

TEST_P(ChatStoreConformance, AnotherHeadIsAConflictAndNothingIsWritten) {
  const ChatId chat = chat_id("a");
  fill(chat, 2);
  AppendEvents stale = append_of(chat, 1, 1);
  stale.row.title = "stale";
  stale.keys = {key_row(1, 1, 2)};
  const AppendResult result = append(store(), stale);
  EXPECT_EQ(result.outcome, WriteOutcome::conflict);
  EXPECT_EQ(result.head, 2u);
  EXPECT_EQ(append(store(), append_of(chat, 5, 1)).outcome, WriteOutcome::conflict);
  EXPECT_EQ(append(store(), append_of(chat_id("new"), 5, 1)).outcome, WriteOutcome::conflict);
  EXPECT_EQ(read<ChatLoaded>(store(), LoadChat{chat}).row->title, "title");
  EXPECT_EQ(read<EventsRead>(store(), ReadEvents{chat}).rows.size(), 2u);
  AppendEvents next = append_of(chat, 2, 1);
  next.keys = stale.keys;
  EXPECT_EQ(append(store(), next).outcome, WriteOutcome::stored) << "the stale key was kept";
}

TEST_P(ChatStoreConformance, TheFirstAppendOfTwoCreatorsWins) {
  EXPECT_EQ(append(store(), append_of(chat_id("a"), 0, 1)).outcome, WriteOutcome::stored);
  EXPECT_EQ(append(store(), append_of(chat_id("a"), 0, 1)).outcome, WriteOutcome::conflict);
}

TEST_P(ChatStoreConformance, AKnownKeyIsADuplicateThatTellsTheStoredRow) {
  const ChatId chat = chat_id("a");
  AppendEvents command = append_of(chat, 0, 1);
  command.keys = {key_row(7, 1, 1)};
  ASSERT_EQ(append(store(), command).outcome, WriteOutcome::stored);
  AppendEvents again = append_of(chat, 1, 1);
  again.keys = {key_row(7, 1, 2)};
  const AppendResult result = append(store(), again);
  EXPECT_EQ(result.outcome, WriteOutcome::duplicate);
  EXPECT_EQ(result.head, 1u);
  ASSERT_EQ(result.existing.size(), 1u);
  EXPECT_EQ(result.existing[0].user, UserId{7});
  EXPECT_EQ(result.existing[0].key, op_key(1));
  EXPECT_EQ(result.existing[0].seq, 1u);
  EXPECT_EQ(result.existing[0].server_ts_ms, kNowMs);
  EXPECT_EQ(result.existing[0].content_hash, 1001u);
  EXPECT_EQ(result.existing[0].expires_ms, kNowMs + kWeekMs);
  EXPECT_EQ(read<EventsRead>(store(), ReadEvents{chat}).rows.size(), 1u);
}

TEST_P(ChatStoreConformance, ADuplicateListsEveryKeyThatExistsAndStoresNone) {
  const ChatId chat = chat_id("a");
  AppendEvents command = append_of(chat, 0, 3);
  command.keys = {key_row(7, 1, 1), key_row(7, 2, 2), key_row(8, 3, 3)};
  ASSERT_EQ(append(store(), command).outcome, WriteOutcome::stored);
  AppendEvents mixed = append_of(chat, 3, 4);
  mixed.keys = {key_row(7, 9, 4), key_row(7, 2, 5), key_row(8, 3, 6), key_row(8, 8, 7)};
  const AppendResult result = append(store(), mixed);
  EXPECT_EQ(result.outcome, WriteOutcome::duplicate);
  ASSERT_EQ(result.existing.size(), 2u);
  EXPECT_EQ(result.existing[0].seq, 2u);
  EXPECT_EQ(result.existing[1].seq, 3u);
  AppendEvents rest = append_of(chat, 3, 2);
  rest.keys = {key_row(7, 9, 4), key_row(8, 8, 5)};
  EXPECT_EQ(append(store(), rest).outcome, WriteOutcome::stored);
}

TEST_P(ChatStoreConformance, TheScopeOfAKeyIsItsChatAndUser) {
  AppendEvents command = append_of(chat_id("a"), 0, 1);
  command.keys = {key_row(7, 1, 1)};
  ASSERT_EQ(append(store(), command).outcome, WriteOutcome::stored);
  AppendEvents other_user = append_of(chat_id("a"), 1, 1);
  other_user.keys = {key_row(8, 1, 2)};
  EXPECT_EQ(append(store(), other_user).outcome, WriteOutcome::stored);
  AppendEvents other_chat = append_of(chat_id("b"), 0, 1);
  other_chat.keys = {key_row(7, 1, 1)};
  EXPECT_EQ(append(store(), other_chat).outcome, WriteOutcome::stored);
}

TEST_P(ChatStoreConformance, AnExpiredKeyMayBeUsedAgain) {
  AppendEvents command = append_of(chat_id("a"), 0, 1);
  command.keys = {key_row(7, 1, 1)};
  ASSERT_EQ(append(store(), command).outcome, WriteOutcome::stored);
  AppendEvents again = append_of(chat_id("a"), 1, 1);
  again.keys = {key_row(7, 1, 2)};
  again.row.last_ts_ms = kNowMs + kWeekMs;
  EXPECT_EQ(append(store(), again).outcome, WriteOutcome::duplicate);
  again.row.last_ts_ms += 1;
  EXPECT_EQ(append(store(), again).outcome, WriteOutcome::stored);
}

TEST_P(ChatStoreConformance, AConflictIsToldBeforeADuplicate) {
  AppendEvents command = append_of(chat_id("a"), 0, 2);
  command.keys = {key_row(7, 1, 1)};
  ASSERT_EQ(append(store(), command).outcome, WriteOutcome::stored);
  AppendEvents again = append_of(chat_id("a"), 0, 1);
  again.keys = command.keys;
  EXPECT_EQ(append(store(), again).outcome, WriteOutcome::conflict);
}

TEST_P(ChatStoreConformance, AKeyIsFoundWithItsRowAlsoAfterItExpired) {
  const ChatId chat = chat_id("a");
  const FindKey find{chat, UserId{7}, op_key(1)};
  EXPECT_FALSE(read<KeyFound>(store(), find).row) << "no such chat";
  AppendEvents command = append_of(chat, 0, 1);
  command.keys = {key_row(7, 1, 1)};
  ASSERT_EQ(append(store(), command).outcome, WriteOutcome::stored);
  AppendEvents later = append_of(chat, 1, 1);
  later.row.last_ts_ms = kNowMs + 2 * kWeekMs;
  ASSERT_EQ(append(store(), later).outcome, WriteOutcome::stored);
  const auto found = read<KeyFound>(store(), find);
  ASSERT_TRUE(found.row);
  EXPECT_EQ(found.row->user, UserId{7});
  EXPECT_EQ(found.row->key, op_key(1));
  EXPECT_EQ(found.row->seq, 1u);
  EXPECT_EQ(found.row->server_ts_ms, kNowMs);
  EXPECT_EQ(found.row->content_hash, 1001u);
  EXPECT_EQ(found.row->expires_ms, kNowMs + kWeekMs);
  EXPECT_FALSE(read<KeyFound>(store(), FindKey{chat, UserId{8}, op_key(1)}).row);
  EXPECT_FALSE(read<KeyFound>(store(), FindKey{chat, UserId{7}, op_key(2)}).row);
  EXPECT_FALSE(read<KeyFound>(store(), FindKey{chat_id("b"), UserId{7}, op_key(1)}).row);
}

TEST_P(ChatStoreConformance, ARewriteReplacesWhatEveryReadGives) {
  const ChatId chat = chat_id("a");
  fill(chat, 4);
  ASSERT_EQ(append_inbox(store(), inbox_of(7, 0, {run_row(1, chat, 1, 4)})).outcome,
            WriteOutcome::stored);
  AppendEvents command = append_of(chat, 4, 1);
  command.rewrites = {{2, "gone"}, {4, "gone too, and longer than it was at first"}};
  ASSERT_EQ(append(store(), command).outcome, WriteOutcome::stored);
  const auto events = read<EventsRead>(store(), ReadEvents{chat});
  ASSERT_EQ(seqs_of(events), (Seqs{1, 2, 3, 4, 5}));
  EXPECT_EQ(events.rows[0].stored_event, event_text(chat, 1));
  EXPECT_EQ(events.rows[1].stored_event, "gone");
  EXPECT_EQ(events.rows[2].stored_event, event_text(chat, 3));
  EXPECT_EQ(events.rows[3].stored_event, "gone too, and longer than it was at first");
  EXPECT_EQ(events.rows[4].stored_event, event_text(chat, 5));
  const auto inbox = read<InboxRead>(store(), ReadInbox{UserId{7}});
  ASSERT_EQ(inbox.entries.size(), 4u);
  EXPECT_EQ(inbox.entries[1].stored_event, "gone");
}

TEST_P(ChatStoreConformance, AnAppendThatIsNotStoredRewritesNothing) {
  const ChatId chat = chat_id("a");
  AppendEvents first = append_of(chat, 0, 2);
  first.keys = {key_row(7, 1, 1)};
  ASSERT_EQ(append(store(), first).outcome, WriteOutcome::stored);
  AppendEvents stale = append_of(chat, 1, 1);
  stale.rewrites = {{1, "gone"}};
  EXPECT_EQ(append(store(), stale).outcome, WriteOutcome::conflict);
  AppendEvents known = append_of(chat, 2, 1);
  known.keys = {key_row(7, 1, 3)};
  known.rewrites = {{1, "gone"}};
  EXPECT_EQ(append(store(), known).outcome, WriteOutcome::duplicate);
  EXPECT_EQ(read<EventsRead>(store(), ReadEvents{chat}).rows[0].stored_event, event_text(chat, 1));
}

TEST_P(ChatStoreConformance, MalformedRewritesAreRefused) {
  const ChatId chat = chat_id("a");
  fill(chat, 4);
  const auto refused = [&](std::vector<EventRow> rewrites, uint64_t events, uint64_t oldest) {
    AppendEvents command = append_of(chat, 4, events);
    command.row.oldest_seq = oldest;
    command.rewrites = std::move(rewrites);
    return std::holds_alternative<Error>(write_one(store(), command));
  };
  EXPECT_TRUE(refused({{2, "x"}}, 0, 1)) << "without an event";
  EXPECT_TRUE(refused({{5, "x"}}, 1, 1)) << "the new event itself";
  EXPECT_TRUE(refused({{3, "x"}, {2, "x"}}, 1, 1)) << "descending";
  EXPECT_TRUE(refused({{3, "x"}, {3, "x"}}, 1, 1)) << "twice";
  EXPECT_TRUE(refused({{0, "x"}}, 1, 1)) << "no seq";
  EXPECT_TRUE(refused({{2, "x"}}, 1, 3)) << "older than what is kept";
  EXPECT_EQ(seqs_of(read<EventsRead>(store(), ReadEvents{chat})), (Seqs{1, 2, 3, 4}));
}

TEST_P(ChatStoreConformance, AnAppendWithoutEventsUpdatesRowMembersAndHint) {
  const ChatId chat = chat_id("a");
  AppendEvents command = append_of(chat, 0, 2);
  command.members = {{UserId{7}, Role::owner, 1}, {UserId{8}, Role::member, 1}};
  ASSERT_EQ(append(store(), command).outcome, WriteOutcome::stored);
  ASSERT_EQ(read<PendingScanned>(store(), ScanPending{}).chats.size(), 1u);

  AppendEvents update = append_of(chat, 2, 0);
  update.row.fanned_seq = 2;
  update.members = {{UserId{8}, Role::member, 1, kStillMember, 2, 2}};
  update.pending = false;
  EXPECT_EQ(append(store(), update).outcome, WriteOutcome::stored);
  const auto loaded = read<ChatLoaded>(store(), LoadChat{chat});
  EXPECT_EQ(loaded.row->fanned_seq, 2u);
  ASSERT_EQ(loaded.members.size(), 2u);
  EXPECT_EQ(loaded.members[0].read_seq, 0u);
  EXPECT_EQ(loaded.members[1].read_seq, 2u);
  EXPECT_TRUE(read<PendingScanned>(store(), ScanPending{}).chats.empty());
}

TEST_P(ChatStoreConformance, TwoAppendsOfOneChatInOneCallSeeEachOther) {
  const ChatId chat = chat_id("a");
  AppendEvents first = append_of(chat, 0, 1);
  first.keys = {key_row(7, 1, 1)};
  AppendEvents second = append_of(chat, 1, 1);
  second.keys = {key_row(7, 2, 2)};
  AppendEvents stale = append_of(chat, 1, 1);
  AppendEvents repeated = append_of(chat, 2, 1);
  repeated.keys = {key_row(7, 1, 3)};
  const std::vector<StoreCommand> commands{first, second, stale, repeated};
  const std::vector<StoreResult> results = store().write(commands);
  ASSERT_EQ(results.size(), 4u);
  EXPECT_EQ(take<AppendResult>(results[0]).outcome, WriteOutcome::stored);
  EXPECT_EQ(take<AppendResult>(results[1]).outcome, WriteOutcome::stored);
  EXPECT_EQ(take<AppendResult>(results[1]).head, 2u);
  EXPECT_EQ(take<AppendResult>(results[2]).outcome, WriteOutcome::conflict);
  EXPECT_EQ(take<AppendResult>(results[2]).head, 2u);
  ASSERT_EQ(take<AppendResult>(results[3]).outcome, WriteOutcome::duplicate);
  EXPECT_EQ(take<AppendResult>(results[3]).existing.at(0).seq, 1u);
  EXPECT_EQ(seqs_of(read<EventsRead>(store(), ReadEvents{chat})), (Seqs{1, 2}));
}

TEST_P(ChatStoreConformance, MalformedWritesAreRefusedWhole) {
  AppendEvents gap = append_of(chat_id("a"), 0, 2);
  gap.events[1].seq = 3;
  AppendEvents wrong_head = append_of(chat_id("a"), 0, 2);
  wrong_head.row.last_seq = 3;
  AppendInboxes twice;
  twice.writes = {inbox_of(7, 0, {run_row(1, chat_id("a"), 1, 1)}), inbox_of(7, 1, {})};
  AppendInboxes hole;
  hole.writes = {inbox_of(7, 0, {run_row(2, chat_id("a"), 1, 1)})};
  const std::vector<StoreCommand> commands{gap, wrong_head, twice, hole, LoadChat{chat_id("a")}};
  for (const StoreResult& result : store().write(commands)) {
    EXPECT_TRUE(std::holds_alternative<Error>(result)) << result.index();
  }
  EXPECT_TRUE(std::holds_alternative<Error>(store().read(append_of(chat_id("a"), 0, 1))));
  EXPECT_FALSE(read<ChatLoaded>(store(), LoadChat{chat_id("a")}).row);
  EXPECT_EQ(read<UserLoaded>(store(), LoadUser{UserId{7}}).row.inbox_head, 0u);
}

}  // namespace
}  // namespace chat::store_test
