// The conformance suite of ChatStore: every implementation runs every test.
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <ostream>
#include <string>

#include "core/store/chat_store.h"
#include "server/rocksdb/rocks_chat_store.h"
#include "sim/memory_store/memory_chat_store.h"
#include "tests/store/store_fixture.h"
#include "tests/support/temp_dir.h"

namespace chat::store_test {
namespace {

using Seqs = std::vector<uint64_t>;

struct Implementation {
  std::string name;
  std::function<std::unique_ptr<ChatStore>(const std::string& dir)> open;
};

void PrintTo(const Implementation& implementation, std::ostream* out) {
  *out << implementation.name;
}

class ChatStoreConformance : public testing::TestWithParam<Implementation> {
 protected:
  ChatStore& store() { return *store_; }

  /// Stores `count` events in `chat` and gives the stored row.
  void fill(const ChatId& chat, uint64_t count) {
    ASSERT_EQ(append(store(), append_of(chat, 0, count)).outcome, WriteOutcome::stored);
  }

 private:
  TempDir dir_;
  std::unique_ptr<ChatStore> store_ = GetParam().open(dir_.path());
};

// ---------------------------------------------------------------- chats

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

// ---------------------------------------------------------------- reading events

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

// ---------------------------------------------------------------- inboxes

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

// ---------------------------------------------------------------- users

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

// ---------------------------------------------------------------- lists

TEST_P(ChatStoreConformance, ListUserChatsPagesThroughViewsRowsAndMembers) {
  InboxWrite write = inbox_of(7, 0, {});
  for (int i = 0; i < 5; ++i) {
    AppendEvents command = append_of(chat_id(std::to_string(i)), 0, 2);
    command.row.title = std::to_string(i);
    if (i != 3) command.members = {{UserId{7}, Role::admin, 1}};
    ASSERT_EQ(append(store(), command).outcome, WriteOutcome::stored);
    write.chats.push_back({command.chat, 2, 1});
  }
  ASSERT_EQ(append_inbox(store(), write).outcome, WriteOutcome::stored);

  std::vector<UserChatsListed::Item> items;
  ListUserChats command{UserId{7}, std::nullopt, 2};
  for (int page = 0; page < 3; ++page) {
    const auto listed = read<UserChatsListed>(store(), command);
    EXPECT_EQ(listed.complete, page == 2);
    items.insert(items.end(), listed.items.begin(), listed.items.end());
    command.after = items.back().view.chat;
  }
  ASSERT_EQ(items.size(), 5u);
  for (size_t i = 0; i < 5; ++i) {
    if (i > 0) {
      EXPECT_LT(items[i - 1].view.chat, items[i].view.chat);
    }
    EXPECT_EQ(items[i].view.last_ref_seq, 2u);
    EXPECT_EQ(items[i].chat.last_seq, 2u);
    EXPECT_EQ(items[i].member.role, items[i].chat.title == "3" ? Role::none : Role::admin);
  }
}

TEST_P(ChatStoreConformance, ListChatsPagesByChatId) {
  for (int i = 0; i < 5; ++i) fill(chat_id(std::to_string(i)), 1);
  fill(ChatId::direct(UserId{1}, UserId{2}), 1);
  std::vector<ChatId> chats;
  ListChats command{std::nullopt, 4};
  auto listed = read<ChatsListed>(store(), command);
  EXPECT_EQ(listed.items.size(), 4u);
  EXPECT_FALSE(listed.complete);
  EXPECT_EQ(listed.items[0].first, ChatId::direct(UserId{1}, UserId{2}));
  for (const auto& [id, row] : listed.items) chats.push_back(id);
  command.after = chats.back();
  listed = read<ChatsListed>(store(), command);
  EXPECT_TRUE(listed.complete);
  for (const auto& [id, row] : listed.items) {
    chats.push_back(id);
    EXPECT_EQ(row.last_seq, 1u);
  }
  EXPECT_EQ(chats.size(), 6u);
  EXPECT_TRUE(std::is_sorted(chats.begin(), chats.end()));
}

TEST_P(ChatStoreConformance, ScanPendingFindsEveryHint) {
  for (int i = 0; i < 4; ++i) {
    AppendEvents command = append_of(chat_id(std::to_string(i)), 0, 1);
    command.pending = i % 2 == 0;
    ASSERT_EQ(append(store(), command).outcome, WriteOutcome::stored);
  }
  std::vector<ChatId> expected{chat_id("0"), chat_id("2")};
  std::sort(expected.begin(), expected.end());
  EXPECT_EQ(read<PendingScanned>(store(), ScanPending{}).chats, expected);
}

TEST_P(ChatStoreConformance, ListAuthoredPagesByChatAndSeq) {
  const ChatId a = std::min(chat_id("a"), chat_id("b"));
  const ChatId b = std::max(chat_id("a"), chat_id("b"));
  InboxWrite write = inbox_of(7, 0, {});
  write.authored = {{b, 2}, {a, 300}, {a, 2}, {b, 1}, {a, 2}};
  ASSERT_EQ(append_inbox(store(), write).outcome, WriteOutcome::stored);
  InboxWrite other = inbox_of(8, 0, {});
  other.authored = {{a, 9}};
  ASSERT_EQ(append_inbox(store(), other).outcome, WriteOutcome::stored);

  using Items = std::vector<std::pair<ChatId, uint64_t>>;
  ListAuthored command{UserId{7}};
  command.limit = 3;
  auto listed = read<AuthoredListed>(store(), command);
  EXPECT_EQ(listed.items, (Items{{a, 2}, {a, 300}, {b, 1}}));
  EXPECT_FALSE(listed.complete);
  command.after_chat = b;
  command.after_seq = 1;
  listed = read<AuthoredListed>(store(), command);
  EXPECT_EQ(listed.items, (Items{{b, 2}}));
  EXPECT_TRUE(listed.complete);
}

std::unique_ptr<ChatStore> open_memory(const std::string&) {
  return std::make_unique<MemoryChatStore>(uint64_t{1});
}

std::unique_ptr<ChatStore> open_rocks(const std::string& dir) {
  return open_rocks_store({.dir = dir}).value();
}

/// Closes and opens its directory between a write and the next read: opening turns the log into
/// table files, so that every read goes through tables and their filters.
class ReopeningRocksStore : public ChatStore {
 public:
  explicit ReopeningRocksStore(const std::string& dir) : dir_(dir), inner_(open_rocks(dir)) {}

  StoreResult read(const StoreCommand& command) override {
    if (written_) {
      inner_.reset();
      inner_ = open_rocks(dir_);
      written_ = false;
    }
    return inner_->read(command);
  }
  std::vector<StoreResult> write(std::span<const StoreCommand> commands) override {
    written_ = true;
    return inner_->write(commands);
  }
  uint64_t epoch() const override { return inner_->epoch(); }

 private:
  const std::string dir_;
  std::unique_ptr<ChatStore> inner_;
  bool written_ = false;
};

std::unique_ptr<ChatStore> open_reopening_rocks(const std::string& dir) {
  return std::make_unique<ReopeningRocksStore>(dir);
}

INSTANTIATE_TEST_SUITE_P(Stores, ChatStoreConformance,
                         testing::Values(Implementation{"Memory", open_memory},
                                         Implementation{"Rocks", open_rocks},
                                         Implementation{"RocksTables", open_reopening_rocks}),
                         [](const auto& tested) { return tested.param.name; });

}  // namespace
}  // namespace chat::store_test
