// Helpers of the store tests: short names for ids, rows and commands, and typed calls on a
// ChatStore that fail the running test when the answer has another type. Own no store. Thread rule:
// one thread per store and test.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "core/store/chat_store.h"

namespace chat::store_test {

inline constexpr int64_t kNowMs = 1'700'000'000'000;
inline constexpr int64_t kWeekMs = 7 * 24 * 3600 * 1000LL;

inline ChatId chat_id(const std::string& name) { return ChatId::named(name); }

inline OpKey op_key(uint8_t n) {
  OpKey key;
  key.bytes.fill(n);
  return key;
}

inline KeyRow key_row(uint64_t user, uint8_t key, uint64_t seq) {
  return {UserId{user}, op_key(key), seq, kNowMs, 1000u + key, kNowMs + kWeekMs};
}

inline std::string event_text(const ChatId& chat, uint64_t seq) {
  return "event " + std::to_string(seq) + " of " + chat.hex();
}

/// `count` events after `expected_last_seq`, without keys and members.
inline AppendEvents append_of(const ChatId& chat, uint64_t expected_last_seq, uint64_t count) {
  AppendEvents append;
  append.chat = chat;
  append.expected_last_seq = expected_last_seq;
  append.row.kind = ChatKind::group;
  append.row.title = "title";
  append.row.last_seq = expected_last_seq + count;
  append.row.fanned_seq = expected_last_seq;
  append.row.last_ts_ms = kNowMs;
  append.row.created_ms = kNowMs - 5;
  append.row.member_count = 3;
  for (uint64_t seq = expected_last_seq + 1; seq <= append.row.last_seq; ++seq) {
    append.events.push_back({seq, event_text(chat, seq)});
  }
  append.pending = true;
  return append;
}

inline InboxRow run_row(uint64_t first_inbox_seq, const ChatId& chat, uint64_t first_seq,
                        uint32_t count) {
  return {InboxRow::Kind::run, first_inbox_seq, chat, first_seq, count};
}

inline InboxRow marker_row(uint64_t inbox_seq, const ChatId& chat, uint64_t up_to_seq) {
  return {InboxRow::Kind::read_marker, inbox_seq, chat, up_to_seq, 1};
}

inline InboxWrite inbox_of(uint64_t user, uint64_t expected_head, std::vector<InboxRow> rows) {
  InboxWrite write;
  write.user = UserId{user};
  write.expected_head = expected_head;
  write.new_head = expected_head;
  for (const InboxRow& row : rows) {
    write.new_head += row.count;
    if (row.kind == InboxRow::Kind::run) {
      write.chats.push_back({row.chat, row.first_seq + row.count - 1, 0});
    }
  }
  write.rows = std::move(rows);
  return write;
}

template <class T>
T take(StoreResult result) {
  if (const auto* error = std::get_if<Error>(&result)) {
    ADD_FAILURE() << name_of(error->code) << ": " << error->text;
    return T{};
  }
  if (!std::holds_alternative<T>(result)) {
    ADD_FAILURE() << "the answer has another type, index " << result.index();
    return T{};
  }
  return std::get<T>(std::move(result));
}

template <class T>
T read(ChatStore& store, StoreCommand command) {
  return take<T>(store.read(command));
}

inline StoreResult write_one(ChatStore& store, StoreCommand command) {
  std::vector<StoreResult> results = store.write({&command, 1});
  EXPECT_EQ(results.size(), 1u);
  return results.empty() ? StoreResult{Error{}} : std::move(results.front());
}

inline AppendResult append(ChatStore& store, AppendEvents command) {
  return take<AppendResult>(write_one(store, std::move(command)));
}

inline InboxResult append_inbox(ChatStore& store, InboxWrite write) {
  AppendInboxes command;
  command.writes.push_back(std::move(write));
  const auto answer = take<AppendInboxesResult>(write_one(store, std::move(command)));
  EXPECT_EQ(answer.results.size(), 1u);
  return answer.results.empty() ? InboxResult{} : answer.results.front();
}

inline std::vector<uint64_t> seqs_of(const EventsRead& read) {
  std::vector<uint64_t> seqs;
  for (const EventRow& row : read.rows) seqs.push_back(row.seq);
  return seqs;
}

}  // namespace chat::store_test
