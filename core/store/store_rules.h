// The rules that every ChatStore implementation shares, so that memory, RocksDB and later ones
// decide alike: which commands are well formed, when an idempotency key has expired, how a page of
// a read is limited, and what an unanswered write looks like. Decides only; never reads or writes a
// store. Thread rule: plain functions, values.
#pragma once

#include <cstdint>
#include <string_view>

#include "core/base/error.h"
#include "core/store/chat_store.h"

namespace chat {

/// Whether a write is well formed: dense seqs, rows that cover exactly the new inbox positions, one
/// write per user. A command that fails is refused whole with this Error.
Status check_write(const StoreCommand& command);

/// Whether a stored key still counts for an append that is made at `row.last_ts_ms`.
inline bool key_counts(const KeyRow& key, const ChatRow& row) {
  return key.expires_ms >= row.last_ts_ms;
}

/// What an append stores over what is stored: everything that only rises keeps its higher value.
void keep_higher(const ChatRow& stored, ChatRow& row);
void keep_higher(const MemberRow& stored, MemberRow& row);

/// The first seq of a chat that may be shown: of a chat that is over, the last one.
uint64_t first_shown_seq(const ChatRow& row);

/// Why a DropChat of this row is refused, or ok.
Status check_drop(const ChatRow& row);

/// What is left of a chat that was dropped: enough to refuse everything that is asked of it.
ChatRow gravestone_of(const ChatRow& row);

/// Who made a stored event; none when it was the system, or the bytes do not decode.
UserId author_of(std::string_view stored_event);

/// Whether a listing of a user's chats has a place for this one.
bool is_wanted(const ListUserChats& list, const ChatRow& chat);

/// The answer to a write whose fate is not known. Writes without an outcome answer an Error.
StoreResult unknown_result(const StoreCommand& command);

/// The answer to a command that was handed to the wrong half of a store.
Error wrong_half(const StoreCommand& command);

/// What a write costs a store and a queue: rows put, and bytes of their contents, about.
struct WriteCost {
  uint64_t rows = 0;
  uint64_t bytes = 0;
};
WriteCost cost_of(const StoreCommand& command);

/// Limits a page to a number of rows and about `bytes_max` bytes, yet never below one row.
class PageBudget {
 public:
  PageBudget(uint32_t limit, uint64_t bytes_max) : rows_left_(limit), bytes_left_(bytes_max) {}

  /// Takes one row of `bytes` into the page; false, for good, when the page is full.
  bool admit(uint64_t bytes);

 private:
  uint32_t rows_left_;
  uint64_t bytes_left_;
  bool empty_ = true;
};

}  // namespace chat
