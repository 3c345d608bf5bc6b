// How every ChatStore forgets: pruned events, chats that are over, and the agenda.
#include <algorithm>

#include "core/wire/peer.pb.h"
#include "tests/store/chat_store_conformance.h"

namespace chat::store_test {
namespace {

std::string stored_event(uint64_t seq, uint64_t author) {
  peer::StoredEvent event;
  event.set_seq(seq);
  event.set_author(author);
  event.set_event("event " + std::to_string(seq));
  return event.SerializeAsString();
}

class ChatStoreRetention : public ChatStoreConformance {
 protected:
  const ChatId chat_ = chat_id("a");
  const uint64_t author_ = 7;

  /// `count` events of one author, in its inbox and author index; two members.
  void fill_authored(uint64_t count) {
    AppendEvents command = append_of(chat_, 0, count);
    InboxWrite inbox = inbox_of(author_, 0, {run_row(1, chat_, 1, static_cast<uint32_t>(count))});
    for (EventRow& event : command.events) {
      event.stored_event = stored_event(event.seq, author_);
      inbox.authored.emplace_back(chat_, event.seq);
    }
    command.keys = {key_row(author_, 1, 1)};
    command.members = {{UserId{author_}, Role::owner, 1}, {UserId{8}, Role::member, 1}};
    ASSERT_EQ(append(store(), command).outcome, WriteOutcome::stored);
    ASSERT_EQ(append_inbox(store(), inbox).outcome, WriteOutcome::stored);
  }
  void set_row(uint64_t last_seq, const std::function<void(ChatRow&)>& change) {
    AppendEvents command = append_of(chat_, last_seq, 0);
    command.row.fanned_seq = last_seq;
    command.pending = false;
    change(command.row);
    ASSERT_EQ(append(store(), command).outcome, WriteOutcome::stored);
  }
  ChatRow row() { return read<ChatLoaded>(store(), LoadChat{chat_}).row.value(); }
  Seqs authored() {
    Seqs seqs;
    const auto listed = read<AuthoredListed>(store(), ListAuthored{UserId{author_}});
    for (const auto& [chat, seq] : listed.items) seqs.push_back(seq);
    return seqs;
  }
  Reclaimed reclaim(StoreCommand command) {
    return take<Reclaimed>(write_one(store(), std::move(command)));
  }
};

// ---------------------------------------------------------------- pruning

TEST_P(ChatStoreRetention, PruningReclaimsEventsAndTheirAuthorRowsBelowTheOldestSeq) {
  fill_authored(9);
  set_row(9, [](ChatRow& row) { row.oldest_seq = 6; });
  EXPECT_EQ(authored(), (Seqs{1, 2, 3, 4, 5, 6, 7, 8, 9}));
  const Reclaimed done = reclaim(PruneChat{chat_});
  EXPECT_EQ(done.rows, 5u);
  EXPECT_TRUE(done.complete);
  EXPECT_EQ(authored(), (Seqs{6, 7, 8, 9}));
  EXPECT_EQ(seqs_of(read<EventsRead>(store(), ReadEvents{chat_})), (Seqs{6, 7, 8, 9}));
  const auto inbox = read<InboxRead>(store(), ReadInbox{UserId{author_}});
  ASSERT_EQ(inbox.entries.size(), 9u) << "a pruned event keeps its inbox position";
  EXPECT_EQ(inbox.entries[4].stored_event, "");
  EXPECT_EQ(inbox.entries[4].seq, 5u);
  EXPECT_EQ(inbox.entries[5].stored_event, stored_event(6, author_));
  EXPECT_EQ(reclaim(PruneChat{chat_}).rows, 0u) << "a second time nothing is left to do";
}

TEST_P(ChatStoreRetention, PruningNeverGoesBeyondTheStoredOldestSeq) {
  fill_authored(5);
  EXPECT_EQ(reclaim(PruneChat{chat_, 4}).rows, 0u);
  set_row(5, [](ChatRow& row) { row.oldest_seq = 3; });
  EXPECT_EQ(reclaim(PruneChat{chat_, 2}).rows, 1u);
  EXPECT_EQ(reclaim(PruneChat{chat_, 5}).rows, 1u);
  EXPECT_EQ(seqs_of(read<EventsRead>(store(), ReadEvents{chat_})), (Seqs{3, 4, 5}));
  EXPECT_EQ(reclaim(PruneChat{chat_id("unknown")}).rows, 0u);
}

TEST_P(ChatStoreRetention, PruningKeepsToItsLimitAndGoesOn) {
  fill_authored(9);
  set_row(9, [](ChatRow& row) { row.oldest_seq = 8; });
  Reclaimed done = reclaim(PruneChat{chat_, kStillMember, 3});
  EXPECT_EQ(done.rows, 3u);
  EXPECT_FALSE(done.complete);
  EXPECT_EQ(authored(), (Seqs{4, 5, 6, 7, 8, 9}));
  done = reclaim(PruneChat{chat_, kStillMember, 4});
  EXPECT_EQ(done.rows, 4u);
  EXPECT_TRUE(done.complete);
  EXPECT_EQ(authored(), (Seqs{8, 9}));
}

TEST_P(ChatStoreRetention, TheLogGoesOnAfterEverythingWasPruned) {
  fill_authored(3);
  set_row(3, [](ChatRow& row) { row.oldest_seq = 4; });
  reclaim(PruneChat{chat_});
  EXPECT_TRUE(read<EventsRead>(store(), ReadEvents{chat_}).rows.empty());
  ReadEvents newest{chat_};
  newest.newest_first = true;
  EXPECT_TRUE(read<EventsRead>(store(), newest).rows.empty());
  AppendEvents more = append_of(chat_, 3, 2);
  more.row.oldest_seq = 4;
  EXPECT_EQ(append(store(), more).outcome, WriteOutcome::stored);
  EXPECT_EQ(seqs_of(read<EventsRead>(store(), ReadEvents{chat_})), (Seqs{4, 5}));
  EXPECT_EQ(seqs_of(read<EventsRead>(store(), newest)), (Seqs{4, 5}));
}

TEST_P(ChatStoreRetention, AKeyOutlivesItsPrunedEvent) {
  fill_authored(3);
  set_row(3, [](ChatRow& row) { row.oldest_seq = 4; });
  reclaim(PruneChat{chat_});
  AppendEvents again = append_of(chat_, 3, 1);
  again.keys = {key_row(author_, 1, 4)};
  EXPECT_EQ(append(store(), again).outcome, WriteOutcome::duplicate);
}

TEST_P(ChatStoreRetention, ARewriteDoesNotBringAPrunedEventBack) {
  fill_authored(5);
  set_row(5, [](ChatRow& row) { row.oldest_seq = 4; });
  reclaim(PruneChat{chat_});
  // A home that has lost the chat without knowing rewrites what it still knows.
  AppendEvents stale = append_of(chat_, 5, 1);
  stale.rewrites = {{2, "gone"}, {4, "gone"}};
  ASSERT_EQ(append(store(), stale).outcome, WriteOutcome::stored);
  EXPECT_EQ(seqs_of(read<EventsRead>(store(), ReadEvents{chat_})), (Seqs{4, 5, 6}));
  set_row(6, [](ChatRow& row) { row.oldest_seq = 6; });
  EXPECT_EQ(reclaim(PruneChat{chat_}).rows, 2u);
}

TEST_P(ChatStoreRetention, EventsAndInboxEntriesTellTheLifeOfTheirChat) {
  AppendEvents command = append_of(chat_, 0, 2);
  command.row.retention_ms = 600'000;
  command.row.expires_ms = kNowMs + 1;
  ASSERT_EQ(append(store(), command).outcome, WriteOutcome::stored);
  ASSERT_EQ(append_inbox(store(), inbox_of(7, 0, {run_row(1, chat_, 1, 2)})).outcome,
            WriteOutcome::stored);
  ASSERT_EQ(append_inbox(store(), inbox_of(8, 0, {run_row(1, chat_, 2, 1)})).outcome,
            WriteOutcome::stored);
  const auto events = read<EventsRead>(store(), ReadEvents{chat_});
  EXPECT_EQ(events.retention_ms, 600'000);
  EXPECT_EQ(events.expires_ms, kNowMs + 1);
  for (const uint64_t user : {7, 8}) {
    const auto inbox = read<InboxRead>(store(), ReadInbox{UserId{user}});
    for (const InboxEntry& entry : inbox.entries) {
      EXPECT_EQ(entry.retention_ms, 600'000);
      EXPECT_EQ(entry.expires_ms, kNowMs + 1);
    }
  }
}

// ---------------------------------------------------------------- chats that are over

TEST_P(ChatStoreRetention, EveryFieldOfTheLifeOfAChatSurvives) {
  AppendEvents command = append_of(chat_, 0, 1);
  command.row.retention_ms = 1;
  command.row.expires_ms = 2;
  command.row.emptied_ms = 3;
  command.row.ended = true;
  command.row.prune_ms = 4;
  command.row.due_ms = 5;
  ASSERT_EQ(append(store(), command).outcome, WriteOutcome::stored);
  EXPECT_EQ(row().retention_ms, 1);
  EXPECT_EQ(row().expires_ms, 2);
  EXPECT_EQ(row().emptied_ms, 3);
  EXPECT_TRUE(row().ended);
  EXPECT_EQ(row().prune_ms, 4);
  EXPECT_EQ(row().due_ms, 5);
}

TEST_P(ChatStoreRetention, ADroppedChatLeavesAGravestone) {
  fill_authored(4);
  fill(chat_id("b"), 2);
  set_row(4, [](ChatRow& row) {
    row.ended = true;
    row.due_ms = 9;
  });
  const Reclaimed done = reclaim(DropChat{chat_});
  EXPECT_TRUE(done.complete);
  EXPECT_EQ(done.rows, 6u) << "four events and two members";
  const auto loaded = read<ChatLoaded>(store(), LoadChat{chat_});
  ASSERT_TRUE(loaded.row);
  EXPECT_TRUE(loaded.members.empty());
  EXPECT_TRUE(loaded.row->ended);
  EXPECT_EQ(loaded.row->kind, ChatKind::group);
  EXPECT_EQ(loaded.row->last_seq, 4u);
  EXPECT_EQ(loaded.row->fanned_seq, 4u);
  EXPECT_EQ(loaded.row->oldest_seq, 5u);
  EXPECT_EQ(loaded.row->title, "");
  EXPECT_EQ(loaded.row->due_ms, 0);
  EXPECT_TRUE(read<EventsRead>(store(), ReadEvents{chat_}).rows.empty());
  EXPECT_TRUE(authored().empty());
  EXPECT_TRUE(read<UserChatsListed>(store(), ListUserChats{UserId{author_}}).items.empty());
  EXPECT_TRUE(read<AgendaScanned>(store(), ScanAgenda{100}).items.empty());
  const auto inbox = read<InboxRead>(store(), ReadInbox{UserId{author_}});
  ASSERT_EQ(inbox.entries.size(), 4u) << "its inbox positions stay";
  EXPECT_EQ(inbox.entries[3].stored_event, "");
  EXPECT_EQ(read<EventsRead>(store(), ReadEvents{chat_id("b")}).rows.size(), 2u);
  EXPECT_EQ(append(store(), append_of(chat_, 0, 1)).outcome, WriteOutcome::conflict);
  EXPECT_EQ(reclaim(DropChat{chat_}).rows, 0u);
}

TEST_P(ChatStoreRetention, DroppingKeepsToItsLimitAndIsCompleteInTheEnd) {
  fill_authored(4);
  set_row(4, [](ChatRow& row) { row.ended = true; });
  uint64_t rows = 0, commands = 0;
  for (bool complete = false; !complete; ++commands) {
    const Reclaimed done = reclaim(DropChat{chat_, 2});
    EXPECT_LE(done.rows, 2u);
    rows += done.rows;
    complete = done.complete;
    ASSERT_LT(commands, 10u);
  }
  EXPECT_EQ(rows, 6u);
  EXPECT_EQ(row().oldest_seq, 5u);
  EXPECT_TRUE(read<ChatLoaded>(store(), LoadChat{chat_}).members.empty());
}

TEST_P(ChatStoreRetention, AChatThatLivesOrIsNotFannedOutIsNotDropped) {
  fill_authored(4);
  EXPECT_TRUE(std::holds_alternative<Error>(write_one(store(), DropChat{chat_})));
  AppendEvents end = append_of(chat_, 4, 1);
  end.row.ended = true;
  ASSERT_EQ(append(store(), end).outcome, WriteOutcome::stored);
  EXPECT_TRUE(std::holds_alternative<Error>(write_one(store(), DropChat{chat_})));
  EXPECT_EQ(read<EventsRead>(store(), ReadEvents{chat_}).rows.size(), 5u);
  EXPECT_EQ(reclaim(DropChat{chat_id("unknown")}).rows, 0u);
}

// ---------------------------------------------------------------- agenda

using Agenda = std::vector<std::pair<int64_t, ChatId>>;

TEST_P(ChatStoreRetention, TheAgendaFollowsTheRow) {
  fill(chat_, 2);
  EXPECT_TRUE(read<AgendaScanned>(store(), ScanAgenda{kNowMs}).items.empty());
  set_row(2, [](ChatRow& row) { row.due_ms = 50; });
  EXPECT_EQ(read<AgendaScanned>(store(), ScanAgenda{50}).items, (Agenda{{50, chat_}}));
  EXPECT_TRUE(read<AgendaScanned>(store(), ScanAgenda{49}).items.empty());
  set_row(2, [](ChatRow& row) { row.due_ms = 70; });
  EXPECT_EQ(read<AgendaScanned>(store(), ScanAgenda{99}).items, (Agenda{{70, chat_}}));
  set_row(2, [](ChatRow&) {});
  EXPECT_TRUE(read<AgendaScanned>(store(), ScanAgenda{99}).items.empty());
}

TEST_P(ChatStoreRetention, TheAgendaPagesByTimeAndChat) {
  Agenda expected;
  for (int i = 0; i < 5; ++i) {
    AppendEvents command = append_of(chat_id(std::to_string(i)), 0, 1);
    command.row.due_ms = i < 3 ? 1'000 : 300;
    ASSERT_EQ(append(store(), command).outcome, WriteOutcome::stored);
    expected.emplace_back(command.row.due_ms, command.chat);
  }
  std::sort(expected.begin(), expected.end());
  Agenda items;
  ScanAgenda scan{2'000, std::nullopt, 2};
  for (int page = 0; page < 3; ++page) {
    const auto scanned = read<AgendaScanned>(store(), scan);
    EXPECT_EQ(scanned.complete, page == 2);
    items.insert(items.end(), scanned.items.begin(), scanned.items.end());
    scan.after = items.back();
  }
  EXPECT_EQ(items, expected);
}

TEST_P(ChatStoreRetention, ARefusedAppendLeavesTheAgenda) {
  fill(chat_, 2);
  AppendEvents stale = append_of(chat_, 1, 1);
  stale.row.due_ms = 5;
  ASSERT_EQ(append(store(), stale).outcome, WriteOutcome::conflict);
  EXPECT_TRUE(read<AgendaScanned>(store(), ScanAgenda{kNowMs}).items.empty());
}

TEST_P(ChatStoreRetention, AppendsPruneAndDropOfOneCallSeeEachOther) {
  fill_authored(4);
  AppendEvents end = append_of(chat_, 4, 1);
  end.row.ended = true;
  end.row.fanned_seq = end.row.last_seq;
  end.row.oldest_seq = end.row.last_seq;
  end.row.due_ms = 3;
  const std::vector<StoreCommand> commands{end, PruneChat{chat_}, DropChat{chat_}};
  for (const StoreResult& result : store().write(commands)) {
    EXPECT_FALSE(std::holds_alternative<Error>(result));
  }
  EXPECT_EQ(row().oldest_seq, 6u);
  EXPECT_TRUE(read<EventsRead>(store(), ReadEvents{chat_}).rows.empty());
  EXPECT_TRUE(read<AgendaScanned>(store(), ScanAgenda{kNowMs}).items.empty());
}

INSTANTIATE_TEST_SUITE_P(Stores, ChatStoreRetention, testing::ValuesIn(tested_stores()),
                         name_of_test);

}  // namespace
}  // namespace chat::store_test
