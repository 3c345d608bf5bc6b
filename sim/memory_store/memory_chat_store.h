// MemoryChatStore: a ChatStore in ordered containers, deterministic, with the semantics of the
// durable stores. It owns every row; nothing outlives it. The virtual driver and tests use it; it
// never delays, shuffles or loses anything: decorators do that. Thread rule: as ChatStore says (a
// reader-writer lock inside).
#pragma once

#include <deque>
#include <map>
#include <set>
#include <shared_mutex>
#include <utility>
#include <vector>

#include "core/store/chat_store.h"

namespace chat {

class MemoryChatStore : public ChatStore {
 public:
  explicit MemoryChatStore(uint64_t epoch) : epoch_(epoch) {}

  StoreResult read(const StoreCommand& command) override;
  std::vector<StoreResult> write(std::span<const StoreCommand> commands) override;
  uint64_t epoch() const override { return epoch_; }

 private:
  struct Chat {
    ChatRow row;
    std::deque<std::string> events;  ///< seq - first_kept is the index.
    uint64_t first_kept = 1;
    std::map<UserId, MemberRow> members;
    std::map<std::pair<UserId, OpKey>, KeyRow> keys;

    uint64_t end_seq() const { return first_kept + events.size(); }
  };
  struct User {
    UserRow row;
    std::map<ChatId, UserChatRow> chats;
    std::map<uint64_t, InboxRow> inbox;  ///< By first_inbox_seq.
    std::set<std::pair<ChatId, uint64_t>> authored;
    std::map<std::string, DeviceRow> devices;
  };

  StoreResult execute(AppendEvents append);
  StoreResult execute(const AppendInboxes& append);
  StoreResult execute(const SaveUser& save);
  StoreResult execute(const PruneChat& prune);
  StoreResult execute(const DropChat& drop);
  StoreResult execute(const TrimInbox& trim);
  InboxResult execute(const InboxWrite& write);
  Reclaimed reclaim_events(const ChatId& id, Chat& chat, uint64_t below_seq, uint32_t limit);
  void set_row(const ChatId& id, Chat& chat, const ChatRow& row);

  StoreResult execute(const LoadChat& load) const;
  StoreResult execute(const ReadEvents& read) const;
  StoreResult execute(const FindKey& find) const;
  StoreResult execute(const LoadUser& load) const;
  StoreResult execute(const ReadInbox& read) const;
  StoreResult execute(const ListUserChats& list) const;
  StoreResult execute(const ListChats& list) const;
  StoreResult execute(const ScanPending& scan) const;
  StoreResult execute(const ScanAgenda& scan) const;
  StoreResult execute(const ListAuthored& list) const;

  const Chat* find_chat(const ChatId& id) const;
  UserChatsListed::Item item_of(const ListUserChats& list, const UserChatRow& view,
                                const Chat* chat) const;
  InboxEntry entry_at(const InboxRow& row, uint64_t inbox_seq) const;

  const uint64_t epoch_;
  mutable std::shared_mutex mutex_;
  std::map<ChatId, Chat> chats_;
  std::map<UserId, User> users_;
  std::set<ChatId> pending_;
  std::set<std::pair<int64_t, ChatId>> agenda_;
};

}  // namespace chat
