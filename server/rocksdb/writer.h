// WriteCall: one ChatStore::write. It judges each command against the store and what earlier
// commands of the same call wrote, gathers what is to be written in one batch, and commits that
// batch with one sync. Internal to this folder; lives for one call. Thread rule: one thread, and
// one WriteCall of a Database at a time.
#pragma once

#include <rocksdb/write_batch.h>

#include <optional>
#include <string>
#include <unordered_map>

#include "core/store/chat_store.h"
#include "server/rocksdb/database.h"

namespace chat::rocks {

class WriteCall {
 public:
  explicit WriteCall(const Database& database) : database_(database) {}

  /// The answer to `command` if the commit succeeds.
  StoreResult add(const StoreCommand& command);
  /// Writes and syncs everything; on an Error nothing is known about any of it.
  Status commit();

 private:
  Result<AppendResult> add_append(const AppendEvents& append);
  InboxResult add_inbox(const InboxWrite& write);
  StoreResult add_save(const SaveUser& save);
  StoreResult add_trim(const TrimInbox& trim);

  StoreResult add_prune(const PruneChat& prune);
  StoreResult add_drop(const DropChat& drop);

  Result<ChatRow> chat_row(const ChatId& chat);
  Result<MemberRow> member_row(const Key& key);
  Result<std::vector<KeyRow>> existing_keys(const AppendEvents& append);
  Result<std::optional<UserRow>> user_row(UserId user);
  /// Error, and nothing put, when a row that it changes cannot be read.
  Status put_append(const AppendEvents& append, const ChatRow& stored);
  /// Puts the row and its place in the agenda.
  void put_chat(const ChatId& chat, const ChatRow& row, const ChatRow& stored);
  void put_inbox(const InboxWrite& write);
  void put(Family family, const Key& key, std::string_view value);
  void remove(Family family, const Key& key);

  const Database& database_;
  rocksdb::WriteBatch batch_;
  // What the batch holds, as far as later commands of the call depend on it.
  std::unordered_map<ChatId, ChatRow, IdHash> chats_;
  std::unordered_map<std::string, MemberRow> members_;  ///< By key.
  std::unordered_map<std::string, KeyRow> keys_;        ///< By key of the column family `sent`.
  std::unordered_map<UserId, UserRow, IdHash> users_;
};

}  // namespace chat::rocks
