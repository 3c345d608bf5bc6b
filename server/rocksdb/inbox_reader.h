// InboxReader: one ReadInbox. It walks over the runs of a user's inbox and resolves the events of
// each run by one range read, or one get for a run of a single event. Internal to this folder;
// lives for one read.
#pragma once

#include <optional>
#include <unordered_map>

#include "core/store/store_rules.h"
#include "server/rocksdb/database.h"

namespace chat::rocks {

class InboxReader {
 public:
  InboxReader(const Database& database, const rocksdb::ReadOptions& options, const ReadInbox& read);

  Result<InboxRead> run();

 private:
  /// Appends the entries of `row` from `from` on, as far as the page has room.
  Status add_row(const InboxRow& row, uint64_t from);
  Status add_events(const InboxRow& row, uint64_t from);
  Status add_event(const InboxRow& row);
  void add_entry(InboxEntry entry);
  /// What the pages of an inbox need to know of a chat.
  struct ChatLife {
    uint64_t oldest_seq = 1;
    int64_t retention_ms = 0;
    int64_t expires_ms = 0;
  };
  Result<ChatLife> life_of(const ChatId& chat);

  const Database& database_;
  const rocksdb::ReadOptions options_;
  const UserId user_;
  const uint64_t from_;
  PageBudget budget_;
  bool full_ = false;
  InboxRead result_;
  std::unordered_map<ChatId, ChatLife, IdHash> lives_;
};

}  // namespace chat::rocks
