#include "sim/memory_store/memory_chat_store.h"

#include <algorithm>
#include <mutex>

#include "core/store/store_rules.h"
#include "core/store/unread_count.h"

namespace chat {

StoreResult MemoryChatStore::read(const StoreCommand& command) {
  std::shared_lock lock(mutex_);
  return std::visit(
      [&](const auto& c) -> StoreResult {
        // A write has no execute() that leaves the store as it is.
        if constexpr (requires(const MemoryChatStore& store) { store.execute(c); }) {
          return execute(c);
        } else {
          return wrong_half(command);
        }
      },
      command);
}

std::vector<StoreResult> MemoryChatStore::write(std::span<const StoreCommand> commands) {
  std::unique_lock lock(mutex_);
  std::vector<StoreResult> results;
  results.reserve(commands.size());
  for (const StoreCommand& command : commands) {
    if (Status status = check_write(command); !status) {
      results.push_back(status.error());
    } else if (const auto* append = std::get_if<AppendEvents>(&command)) {
      results.push_back(execute(*append));
    } else if (const auto* inboxes = std::get_if<AppendInboxes>(&command)) {
      results.push_back(execute(*inboxes));
    } else if (const auto* prune = std::get_if<PruneChat>(&command)) {
      results.push_back(execute(*prune));
    } else if (const auto* drop = std::get_if<DropChat>(&command)) {
      results.push_back(execute(*drop));
    } else if (const auto* trim = std::get_if<TrimInbox>(&command)) {
      results.push_back(execute(*trim));
    } else {
      results.push_back(execute(std::get<SaveUser>(command)));
    }
  }
  return results;
}

// ---------------------------------------------------------------- writes

StoreResult MemoryChatStore::execute(AppendEvents append) {
  const Chat* stored = find_chat(append.chat);
  AppendResult result;
  result.head = stored ? stored->row.last_seq : 0;
  if (result.head != append.expected_last_seq) {
    result.outcome = WriteOutcome::conflict;
    return result;
  }
  for (const KeyRow& key : append.keys) {
    if (!stored) break;
    const auto found = stored->keys.find({key.user, key.key});
    if (found != stored->keys.end() && key_counts(found->second, append.row)) {
      result.existing.push_back(found->second);
    }
  }
  if (!result.existing.empty()) {
    result.outcome = WriteOutcome::duplicate;
    return result;
  }
  Chat& chat = chats_[append.chat];
  keep_higher(chat.row, append.row);
  set_row(append.chat, chat, append.row);
  for (const EventRow& event : append.rewrites) {
    // What was pruned meanwhile stays away.
    if (event.seq < chat.first_kept) continue;
    chat.events[event.seq - chat.first_kept] = event.stored_event;
  }
  for (const EventRow& event : append.events) chat.events.push_back(event.stored_event);
  for (const KeyRow& key : append.keys) chat.keys[{key.user, key.key}] = key;
  for (MemberRow& member : append.members) {
    MemberRow& row = chat.members[member.user];
    keep_higher(row, member);
    row = member;
  }
  if (append.pending && chat.row.fanned_seq < chat.row.last_seq) {
    pending_.insert(append.chat);
  } else {
    pending_.erase(append.chat);
  }
  result.outcome = WriteOutcome::stored;
  result.head = chat.row.last_seq;
  return result;
}

void MemoryChatStore::set_row(const ChatId& id, Chat& chat, const ChatRow& row) {
  if (chat.row.due_ms != 0) agenda_.erase({chat.row.due_ms, id});
  if (row.due_ms != 0) agenda_.emplace(row.due_ms, id);
  chat.row = row;
}

StoreResult MemoryChatStore::execute(const PruneChat& prune) {
  const auto found = chats_.find(prune.chat);
  if (found == chats_.end()) return Reclaimed{};
  Chat& chat = found->second;
  return reclaim_events(prune.chat, chat, std::min(prune.below_seq, chat.row.oldest_seq),
                        prune.limit);
}

Reclaimed MemoryChatStore::reclaim_events(const ChatId& id, Chat& chat, uint64_t below_seq,
                                          uint32_t limit) {
  Reclaimed result;
  for (; !chat.events.empty() && chat.first_kept < below_seq; ++chat.first_kept) {
    if (result.rows == limit) {
      result.complete = false;
      break;
    }
    ++result.rows;
    const auto author = users_.find(author_of(chat.events.front()));
    if (author != users_.end()) author->second.authored.erase({id, chat.first_kept});
    chat.events.pop_front();
  }
  return result;
}

StoreResult MemoryChatStore::execute(const DropChat& drop) {
  const auto found = chats_.find(drop.chat);
  if (found == chats_.end()) return Reclaimed{};
  Chat& chat = found->second;
  if (Status allowed = check_drop(chat.row); !allowed) return allowed.error();
  Reclaimed result = reclaim_events(drop.chat, chat, kStillMember, drop.limit);
  while (result.complete && !chat.members.empty()) {
    if (result.rows == drop.limit) {
      result.complete = false;
      break;
    }
    ++result.rows;
    const auto user = users_.find(chat.members.begin()->first);
    if (user != users_.end()) user->second.chats.erase(drop.chat);
    chat.members.erase(chat.members.begin());
  }
  if (!result.complete) return result;
  chat.keys.clear();
  pending_.erase(drop.chat);
  set_row(drop.chat, chat, gravestone_of(chat.row));
  return result;
}

StoreResult MemoryChatStore::execute(const AppendInboxes& append) {
  AppendInboxesResult result;
  result.results.reserve(append.writes.size());
  for (const InboxWrite& write : append.writes) result.results.push_back(execute(write));
  return result;
}

InboxResult MemoryChatStore::execute(const InboxWrite& write) {
  const auto found = users_.find(write.user);
  const uint64_t head = found == users_.end() ? 0 : found->second.row.inbox_head;
  if (head != write.expected_head) return {WriteOutcome::conflict, head};
  User& user = users_[write.user];
  user.row.inbox_head = write.new_head;
  for (const InboxRow& row : write.rows) user.inbox[row.first_inbox_seq] = row;
  for (const UserChatRow& row : write.chats) user.chats[row.chat] = row;
  user.authored.insert(write.authored.begin(), write.authored.end());
  return {WriteOutcome::stored, write.new_head};
}

StoreResult MemoryChatStore::execute(const SaveUser& save) {
  User& user = users_[save.user];
  UserRow& row = user.row;
  for (const DeviceRow& device : save.devices) user.devices[device.device_id] = device;
  for (const std::string& id : save.forget_devices) user.devices.erase(id);
  if (save.delivered_inbox_seq) {
    row.delivered_inbox_seq = std::max(row.delivered_inbox_seq, *save.delivered_inbox_seq);
  }
  if (save.last_seen_ms) row.last_seen_ms = *save.last_seen_ms;
  return Saved{};
}

StoreResult MemoryChatStore::execute(const TrimInbox& trim) {
  const auto found = users_.find(trim.user);
  if (found == users_.end()) return Saved{};
  User& user = found->second;
  auto first = user.inbox.upper_bound(trim.oldest_inbox_seq);
  if (first == user.inbox.begin()) return Saved{};
  --first;
  user.row.oldest_inbox_seq = std::max(user.row.oldest_inbox_seq, first->first);
  user.inbox.erase(user.inbox.begin(), first);
  return Saved{};
}

// ---------------------------------------------------------------- reads

const MemoryChatStore::Chat* MemoryChatStore::find_chat(const ChatId& id) const {
  const auto found = chats_.find(id);
  return found == chats_.end() ? nullptr : &found->second;
}

StoreResult MemoryChatStore::execute(const LoadChat& load) const {
  ChatLoaded loaded;
  if (const Chat* chat = find_chat(load.chat)) {
    loaded.row = chat->row;
    for (const auto& [user, member] : chat->members) loaded.members.push_back(member);
  }
  return loaded;
}

StoreResult MemoryChatStore::execute(const ReadEvents& read) const {
  EventsRead result;
  const Chat* chat = find_chat(read.chat);
  if (!chat) return result;
  result.retention_ms = chat->row.retention_ms;
  result.expires_ms = chat->row.expires_ms;
  const uint64_t first = std::max({read.from_seq, chat->row.oldest_seq, chat->first_kept});
  const uint64_t last = std::min<uint64_t>(read.to_seq, chat->end_seq() - 1);
  PageBudget budget(read.limit, read.bytes_max);
  for (uint64_t i = 0; first + i <= last; ++i) {
    const uint64_t seq = read.newest_first ? last - i : first + i;
    const std::string& event = chat->events[seq - chat->first_kept];
    if (!budget.admit(event.size())) break;
    result.rows.push_back({seq, event});
  }
  if (read.newest_first) std::reverse(result.rows.begin(), result.rows.end());
  return result;
}

StoreResult MemoryChatStore::execute(const FindKey& find) const {
  KeyFound result;
  if (const Chat* chat = find_chat(find.chat)) {
    const auto key = chat->keys.find({find.user, find.key});
    if (key != chat->keys.end()) result.row = key->second;
  }
  return result;
}

StoreResult MemoryChatStore::execute(const LoadUser& load) const {
  UserLoaded loaded;
  const auto found = users_.find(load.user);
  if (found == users_.end()) return loaded;
  loaded.row = found->second.row;
  for (const auto& [id, chat] : found->second.chats) loaded.chats.push_back(chat);
  for (const auto& [id, device] : found->second.devices) loaded.devices.push_back(device);
  return loaded;
}

InboxEntry MemoryChatStore::entry_at(const InboxRow& row, uint64_t inbox_seq) const {
  InboxEntry entry{inbox_seq, row.kind, row.chat, row.first_seq, {}};
  if (row.kind == InboxRow::Kind::read_marker) return entry;
  entry.seq += inbox_seq - row.first_inbox_seq;
  const Chat* chat = find_chat(row.chat);
  if (!chat) return entry;
  entry.retention_ms = chat->row.retention_ms;
  entry.expires_ms = chat->row.expires_ms;
  const uint64_t first = std::max(chat->row.oldest_seq, chat->first_kept);
  if (entry.seq >= first && entry.seq < chat->end_seq()) {
    entry.stored_event = chat->events[entry.seq - chat->first_kept];
  }
  return entry;
}

StoreResult MemoryChatStore::execute(const ReadInbox& read) const {
  InboxRead result;
  const auto found = users_.find(read.user);
  if (found == users_.end()) return result;
  const auto& inbox = found->second.inbox;
  const uint64_t from = std::max<uint64_t>(read.from_inbox_seq, 1);
  auto row = inbox.upper_bound(from);
  if (row != inbox.begin()) --row;
  PageBudget budget(read.limit, read.bytes_max);
  for (; row != inbox.end(); ++row) {
    const uint64_t end = row->first + row->second.count;
    for (uint64_t seq = std::max(row->first, from); seq < end; ++seq) {
      InboxEntry entry = entry_at(row->second, seq);
      if (!budget.admit(entry.stored_event.size())) return result;
      result.entries.push_back(std::move(entry));
    }
  }
  return result;
}

StoreResult MemoryChatStore::execute(const ListUserChats& list) const {
  UserChatsListed result;
  const auto found = users_.find(list.user);
  if (found == users_.end()) return result;
  const auto& chats = found->second.chats;
  for (auto it = list.after ? chats.upper_bound(*list.after) : chats.begin(); it != chats.end();
       ++it) {
    const Chat* chat = find_chat(it->first);
    if (!is_wanted(list, chat ? chat->row : ChatRow{})) continue;
    if (result.items.size() >= list.limit) {
      result.complete = false;
      break;
    }
    result.items.push_back(item_of(list, it->second, chat));
  }
  return result;
}

UserChatsListed::Item MemoryChatStore::item_of(const ListUserChats& list, const UserChatRow& view,
                                               const Chat* chat) const {
  UserChatsListed::Item item;
  item.view = view;
  item.member.user = list.user;
  if (!chat) return item;
  item.chat = chat->row;
  const auto member = chat->members.find(list.user);
  if (member != chat->members.end()) item.member = member->second;
  if (list.receipts) {
    for (const auto& [user, row] : chat->members) item.members.push_back(row);
  }
  if (list.unread_max > 0) {
    const UnreadRange range = unread_range(view, item.chat, item.member, list.now_ms);
    UnreadCounter counter(list, range);
    for (uint64_t seq = std::max(range.from_seq, chat->first_kept); seq <= range.to_seq; ++seq) {
      if (!counter.add(chat->events[seq - chat->first_kept])) break;
    }
    item.unread_count = counter.count();
    item.unread_mentions = counter.mentions();
  }
  return item;
}

StoreResult MemoryChatStore::execute(const ListChats& list) const {
  ChatsListed result;
  for (auto it = list.after ? chats_.upper_bound(*list.after) : chats_.begin(); it != chats_.end();
       ++it) {
    if (result.items.size() >= list.limit) {
      result.complete = false;
      break;
    }
    result.items.emplace_back(it->first, it->second.row);
  }
  return result;
}

StoreResult MemoryChatStore::execute(const ScanPending&) const {
  return PendingScanned{{pending_.begin(), pending_.end()}};
}

StoreResult MemoryChatStore::execute(const ScanAgenda& scan) const {
  AgendaScanned result;
  auto it = scan.after ? agenda_.upper_bound(*scan.after) : agenda_.begin();
  for (; it != agenda_.end() && it->first <= scan.until_ms; ++it) {
    if (result.items.size() >= scan.limit) {
      result.complete = false;
      break;
    }
    result.items.push_back(*it);
  }
  return result;
}

StoreResult MemoryChatStore::execute(const ListAuthored& list) const {
  AuthoredListed result;
  const auto found = users_.find(list.user);
  if (found == users_.end()) return result;
  const auto& authored = found->second.authored;
  auto it =
      list.after_chat ? authored.upper_bound({*list.after_chat, list.after_seq}) : authored.begin();
  for (; it != authored.end(); ++it) {
    if (result.items.size() >= list.limit) {
      result.complete = false;
      break;
    }
    result.items.push_back(*it);
  }
  return result;
}

}  // namespace chat
