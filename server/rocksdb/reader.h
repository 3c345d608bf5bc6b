// Reader: the reads of the RocksDB store. A read of several rows sees them at one moment (a
// snapshot). Internal to this folder. Thread rule: every function from any thread.
#pragma once

#include "core/store/chat_store.h"
#include "server/rocksdb/database.h"

namespace chat::rocks {

class Reader {
 public:
  explicit Reader(const Database& database) : database_(database) {}

  Result<ChatLoaded> execute(const LoadChat& load) const;
  Result<EventsRead> execute(const ReadEvents& read) const;
  Result<KeyFound> execute(const FindKey& find) const;
  Result<UserLoaded> execute(const LoadUser& load) const;
  Result<InboxRead> execute(const ReadInbox& read) const;
  Result<UserChatsListed> execute(const ListUserChats& list) const;
  Result<ChatsListed> execute(const ListChats& list) const;
  Result<PendingScanned> execute(const ScanPending& scan) const;
  Result<AgendaScanned> execute(const ScanAgenda& scan) const;
  Result<AuthoredListed> execute(const ListAuthored& list) const;

 private:
  Status load_members(const rocksdb::ReadOptions& options, const ChatId& chat,
                      std::vector<MemberRow>& members) const;
  Status load_devices(const rocksdb::ReadOptions& options, UserId user,
                      std::vector<DeviceRow>& devices) const;
  Status complete_item(const rocksdb::ReadOptions& options, const ListUserChats& list,
                       UserChatsListed::Item& item) const;

  const Database& database_;
};

}  // namespace chat::rocks
