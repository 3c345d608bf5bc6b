#include "server/rocksdb/writer.h"

#include <algorithm>

#include "core/base/assert.h"
#include "core/store/store_rules.h"
#include "server/rocksdb/reclaimer.h"

namespace chat::rocks {

StoreResult WriteCall::add(const StoreCommand& command) {
  if (Status status = check_write(command); !status) return status.error();
  if (const auto* append = std::get_if<AppendEvents>(&command)) {
    Result<AppendResult> result = add_append(*append);
    if (!result) return result.error();
    return std::move(*result);
  }
  if (const auto* inboxes = std::get_if<AppendInboxes>(&command)) {
    AppendInboxesResult result;
    result.results.reserve(inboxes->writes.size());
    for (const InboxWrite& write : inboxes->writes) result.results.push_back(add_inbox(write));
    return result;
  }
  if (const auto* prune = std::get_if<PruneChat>(&command)) return add_prune(*prune);
  if (const auto* drop = std::get_if<DropChat>(&command)) return add_drop(*drop);
  if (const auto* trim = std::get_if<TrimInbox>(&command)) return add_trim(*trim);
  return add_save(std::get<SaveUser>(command));
}

Status WriteCall::commit() {
  if (batch_.Count() == 0) return {};
  rocksdb::WriteOptions synced;
  synced.sync = true;
  const rocksdb::Status status = database_.db().Write(synced, &batch_);
  if (!status.ok()) return to_error(status, "writing");
  return {};
}

void WriteCall::put(Family family, const Key& key, std::string_view value) {
  const rocksdb::Status status = batch_.Put(database_.handle(family), slice(key), slice(value));
  CHAT_ASSERT(status.ok());  // A batch in memory refuses nothing but oversize keys.
}

void WriteCall::remove(Family family, const Key& key) {
  const rocksdb::Status status = batch_.Delete(database_.handle(family), slice(key));
  CHAT_ASSERT(status.ok());
}

// ---------------------------------------------------------------- chats

Result<AppendResult> WriteCall::add_append(const AppendEvents& append) {
  const Result<ChatRow> stored = chat_row(append.chat);
  if (!stored) return stored.error();
  AppendResult result;
  result.head = stored->last_seq;
  if (result.head != append.expected_last_seq) {
    result.outcome = WriteOutcome::conflict;
    return result;
  }
  Result<std::vector<KeyRow>> existing = existing_keys(append);
  if (!existing) return existing.error();
  if (!existing->empty()) {
    result.outcome = WriteOutcome::duplicate;
    result.existing = std::move(*existing);
    return result;
  }
  if (Status put = put_append(append, *stored); !put) return put.error();
  result.outcome = WriteOutcome::stored;
  result.head = append.row.last_seq;
  return result;
}

Result<ChatRow> WriteCall::chat_row(const ChatId& chat) {
  if (const auto known = chats_.find(chat); known != chats_.end()) return known->second;
  const auto row = database_.find<ChatRow>({}, Family::chat, key_of(chat));
  if (!row) return row.error();
  return row->value_or(ChatRow{});
}

Result<MemberRow> WriteCall::member_row(const Key& key) {
  if (const auto known = members_.find(std::string(key.view())); known != members_.end()) {
    return known->second;
  }
  const auto row = database_.find<MemberRow>({}, Family::member, key);
  if (!row) return row.error();
  return row->value_or(MemberRow{});
}

Result<std::vector<KeyRow>> WriteCall::existing_keys(const AppendEvents& append) {
  std::vector<KeyRow> existing;
  for (const KeyRow& wanted : append.keys) {
    const Key key = key_of(append.chat, wanted.user, wanted.key);
    std::optional<KeyRow> stored;
    if (const auto known = keys_.find(std::string(key.view())); known != keys_.end()) {
      stored = known->second;
    } else {
      auto found = database_.find<KeyRow>({}, Family::sent, key);
      if (!found) return found.error();
      stored = *found;
    }
    if (!stored || !key_counts(*stored, append.row)) continue;
    stored->user = wanted.user;
    stored->key = wanted.key;
    existing.push_back(*stored);
  }
  return existing;
}

Status WriteCall::put_append(const AppendEvents& append, const ChatRow& stored) {
  std::vector<std::pair<Key, MemberRow>> members;
  members.reserve(append.members.size());
  for (const MemberRow& member : append.members) {
    const Key key = key_of(append.chat, member.user);
    const Result<MemberRow> before = member_row(key);
    if (!before) return before.error();
    keep_higher(*before, members.emplace_back(key, member).second);
  }
  for (const EventRow& event : append.events) {
    put(Family::event, key_of(append.chat, event.seq), event.stored_event);
  }
  for (const EventRow& event : append.rewrites) {
    // What was pruned meanwhile stays away.
    if (event.seq < stored.oldest_seq) continue;
    put(Family::event, key_of(append.chat, event.seq), event.stored_event);
  }
  for (const KeyRow& row : append.keys) {
    const Key key = key_of(append.chat, row.user, row.key);
    put(Family::sent, key, encode(row));
    keys_.insert_or_assign(std::string(key.view()), row);
  }
  for (const auto& [key, member] : members) {
    put(Family::member, key, encode(member));
    members_.insert_or_assign(std::string(key.view()), member);
  }
  ChatRow row = append.row;
  keep_higher(stored, row);
  put_chat(append.chat, row, stored);
  if (append.pending && row.fanned_seq < row.last_seq) {
    put(Family::pending, key_of(append.chat), {});
  } else {
    remove(Family::pending, key_of(append.chat));
  }
  return {};
}

void WriteCall::put_chat(const ChatId& chat, const ChatRow& row, const ChatRow& stored) {
  if (stored.due_ms != row.due_ms) {
    const auto place = [&](int64_t due) { return key_of(static_cast<uint64_t>(due), chat); };
    if (stored.due_ms != 0) remove(Family::agenda, place(stored.due_ms));
    if (row.due_ms != 0) put(Family::agenda, place(row.due_ms), {});
  }
  put(Family::chat, key_of(chat), encode(row));
  chats_[chat] = row;
}

// ---------------------------------------------------------------- reclaiming

StoreResult WriteCall::add_prune(const PruneChat& prune) {
  const auto stored = chat_row(prune.chat);
  if (!stored) return stored.error();
  Reclaimer reclaimer(database_, batch_, prune.chat, prune.limit);
  const Status done = reclaimer.events(std::min(prune.below_seq, stored->oldest_seq));
  if (!done) return done.error();
  return reclaimer.result();
}

StoreResult WriteCall::add_drop(const DropChat& drop) {
  const auto stored = chat_row(drop.chat);
  if (!stored) return stored.error();
  if (stored->last_seq == 0) return Reclaimed{};
  if (Status allowed = check_drop(*stored); !allowed) return allowed.error();
  Reclaimer reclaimer(database_, batch_, drop.chat, drop.limit);
  if (Status done = reclaimer.everything(); !done) return done.error();
  if (reclaimer.result().complete) {
    remove(Family::pending, key_of(drop.chat));
    put_chat(drop.chat, gravestone_of(*stored), *stored);
  }
  return reclaimer.result();
}

// ---------------------------------------------------------------- users

Result<std::optional<UserRow>> WriteCall::user_row(UserId user) {
  if (const auto known = users_.find(user); known != users_.end()) {
    return std::optional<UserRow>(known->second);
  }
  return database_.find<UserRow>({}, Family::user, key_of(user));
}

InboxResult WriteCall::add_inbox(const InboxWrite& write) {
  const auto stored = user_row(write.user);
  // A row that cannot be read has no Error of its own in the answer: the user's home reloads it and
  // meets the Error there.
  if (!stored) return {WriteOutcome::unknown, 0};
  UserRow row = stored->value_or(UserRow{});
  if (row.inbox_head != write.expected_head) return {WriteOutcome::conflict, row.inbox_head};
  put_inbox(write);
  row.inbox_head = write.new_head;
  put(Family::user, key_of(write.user), encode(row));
  users_[write.user] = row;
  return {WriteOutcome::stored, write.new_head};
}

void WriteCall::put_inbox(const InboxWrite& write) {
  for (const InboxRow& row : write.rows) {
    put(Family::inbox, key_of(write.user, row.first_inbox_seq), encode(row));
  }
  for (const UserChatRow& row : write.chats) {
    put(Family::user_chat, key_of(write.user, row.chat), encode(row));
  }
  for (const auto& [chat, seq] : write.authored) {
    put(Family::author, key_of(write.user, chat, seq), {});
  }
}

StoreResult WriteCall::add_save(const SaveUser& save) {
  const auto stored = user_row(save.user);
  if (!stored) return stored.error();
  UserRow row = stored->value_or(UserRow{});
  if (save.delivered_inbox_seq) {
    row.delivered_inbox_seq = std::max(row.delivered_inbox_seq, *save.delivered_inbox_seq);
  }
  if (save.last_seen_ms) row.last_seen_ms = *save.last_seen_ms;
  put(Family::user, key_of(save.user), encode(row));
  users_[save.user] = row;
  for (const DeviceRow& device : save.devices) {
    put(Family::device, key_of(save.user, device.device_id), encode(device));
  }
  for (const std::string& id : save.forget_devices) {
    const rocksdb::Status status =
        batch_.Delete(database_.handle(Family::device), slice(key_of(save.user, id)));
    CHAT_ASSERT(status.ok());
  }
  return Saved{};
}

/// Rows that earlier commands of this call put are not looked at: the trim may then keep more.
StoreResult WriteCall::add_trim(const TrimInbox& trim) {
  const auto stored = user_row(trim.user);
  if (!stored) return stored.error();
  if (!*stored) return Saved{};
  UserRow row = **stored;
  Scan scan(database_, {}, Family::inbox, key_of(trim.user));
  scan.seek_back(key_of(trim.user, trim.oldest_inbox_seq));
  if (Status status = scan.status(); !status) return status.error();
  if (!scan.valid() || scan.key().size() != kUserBytes + kSeqBytes) return Saved{};
  const uint64_t first = number_at(scan.key(), kUserBytes);
  if (first <= row.oldest_inbox_seq) return Saved{};
  row.oldest_inbox_seq = first;
  put(Family::user, key_of(trim.user), encode(row));
  users_[trim.user] = row;
  const rocksdb::Status status =
      batch_.DeleteRange(database_.handle(Family::inbox), slice(key_of(trim.user, uint64_t{0})),
                         slice(key_of(trim.user, first)));
  CHAT_ASSERT(status.ok());
  return Saved{};
}

}  // namespace chat::rocks
