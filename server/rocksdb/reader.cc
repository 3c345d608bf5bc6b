#include "server/rocksdb/reader.h"

#include <algorithm>

#include "core/store/store_rules.h"
#include "core/store/unread_count.h"
#include "server/rocksdb/inbox_reader.h"

namespace chat::rocks {
namespace {

/// ReadOptions bound to the state of one moment.
class AtOneMoment {
 public:
  explicit AtOneMoment(const Database& database) : snapshot_(&database.db()) {
    options_.snapshot = snapshot_.snapshot();
  }
  const rocksdb::ReadOptions& options() const { return options_; }

 private:
  rocksdb::ManagedSnapshot snapshot_;
  rocksdb::ReadOptions options_;
};

}  // namespace

Result<ChatLoaded> Reader::execute(const LoadChat& load) const {
  const AtOneMoment moment(database_);
  auto row = database_.find<ChatRow>(moment.options(), Family::chat, key_of(load.chat));
  if (!row) return row.error();
  ChatLoaded loaded;
  loaded.row = std::move(*row);
  if (!loaded.row) return loaded;
  if (Status status = load_members(moment.options(), load.chat, loaded.members); !status) {
    return status.error();
  }
  return loaded;
}

Status Reader::load_members(const rocksdb::ReadOptions& options, const ChatId& chat,
                            std::vector<MemberRow>& members) const {
  Scan scan(database_, options, Family::member, key_of(chat));
  for (scan.seek(key_of(chat)); scan.valid(); scan.next()) {
    MemberRow member;
    if (scan.key().size() != ChatId::kSize + kUserBytes || !decode(scan.value(), member)) {
      return scan.corrupt();
    }
    member.user = UserId{number_at(scan.key(), ChatId::kSize)};
    members.push_back(member);
  }
  return scan.status();
}

Result<EventsRead> Reader::execute(const ReadEvents& read) const {
  const auto chat = database_.find<ChatRow>({}, Family::chat, key_of(read.chat));
  if (!chat) return chat.error();
  EventsRead result;
  if (!*chat) return result;
  result.retention_ms = (*chat)->retention_ms;
  result.expires_ms = (*chat)->expires_ms;
  const uint64_t first = std::max(read.from_seq, (*chat)->oldest_seq);
  PageBudget budget(read.limit, read.bytes_max);
  Scan scan(database_, {}, Family::event, key_of(read.chat));
  if (read.newest_first) {
    scan.seek_back(key_of(read.chat, read.to_seq));
  } else {
    scan.seek(key_of(read.chat, first));
  }
  for (; scan.valid(); read.newest_first ? scan.previous() : scan.next()) {
    if (scan.key().size() != ChatId::kSize + kSeqBytes) return scan.corrupt();
    const uint64_t seq = number_at(scan.key(), ChatId::kSize);
    if (seq < first || seq > read.to_seq || !budget.admit(scan.value().size())) break;
    result.rows.push_back({seq, std::string(scan.value())});
  }
  if (Status status = scan.status(); !status) return status.error();
  if (read.newest_first) std::reverse(result.rows.begin(), result.rows.end());
  return result;
}

Result<KeyFound> Reader::execute(const FindKey& find) const {
  auto row = database_.find<KeyRow>({}, Family::sent, key_of(find.chat, find.user, find.key));
  if (!row) return row.error();
  if (*row) {
    (*row)->user = find.user;
    (*row)->key = find.key;
  }
  return KeyFound{std::move(*row)};
}

Result<UserLoaded> Reader::execute(const LoadUser& load) const {
  const AtOneMoment moment(database_);
  const auto row = database_.find<UserRow>(moment.options(), Family::user, key_of(load.user));
  if (!row) return row.error();
  UserLoaded loaded;
  loaded.row = row->value_or(UserRow{});
  Scan scan(database_, moment.options(), Family::user_chat, key_of(load.user));
  for (scan.seek(key_of(load.user)); scan.valid(); scan.next()) {
    UserChatRow view;
    const auto chat = chat_at(scan.key(), kUserBytes);
    if (!chat || !decode(scan.value(), view)) return scan.corrupt();
    view.chat = *chat;
    loaded.chats.push_back(view);
  }
  if (Status status = scan.status(); !status) return status.error();
  if (Status status = load_devices(moment.options(), load.user, loaded.devices); !status) {
    return status.error();
  }
  return loaded;
}

Status Reader::load_devices(const rocksdb::ReadOptions& options, UserId user,
                            std::vector<DeviceRow>& devices) const {
  Scan scan(database_, options, Family::device, key_of(user));
  for (scan.seek(key_of(user)); scan.valid(); scan.next()) {
    DeviceRow device;
    if (!decode(scan.value(), device)) return scan.corrupt();
    device.device_id = scan.key().substr(kUserBytes);
    devices.push_back(std::move(device));
  }
  return scan.status();
}

Result<InboxRead> Reader::execute(const ReadInbox& read) const {
  const AtOneMoment moment(database_);
  return InboxReader(database_, moment.options(), read).run();
}

Result<UserChatsListed> Reader::execute(const ListUserChats& list) const {
  const AtOneMoment moment(database_);
  UserChatsListed listed;
  Scan scan(database_, moment.options(), Family::user_chat, key_of(list.user));
  scan.seek(list.after ? key_of(list.user, *list.after) : key_of(list.user));
  for (; scan.valid(); scan.next()) {
    UserChatsListed::Item item;
    const auto chat = chat_at(scan.key(), kUserBytes);
    if (!chat || !decode(scan.value(), item.view)) return scan.corrupt();
    if (chat == list.after) continue;
    item.view.chat = *chat;
    auto row = database_.find<ChatRow>(moment.options(), Family::chat, key_of(*chat));
    if (!row) return row.error();
    item.chat = std::move(*row).value_or(ChatRow{});
    if (!is_wanted(list, item.chat)) continue;
    if (listed.items.size() >= list.limit) {
      listed.complete = false;
      break;
    }
    if (Status status = complete_item(moment.options(), list, item); !status) {
      return status.error();
    }
    listed.items.push_back(std::move(item));
  }
  if (Status status = scan.status(); !status) return status.error();
  return listed;
}

/// The parts of an item beside its view and the chat's row.
Status Reader::complete_item(const rocksdb::ReadOptions& options, const ListUserChats& list,
                             UserChatsListed::Item& item) const {
  const ChatId& chat = item.view.chat;
  const auto member = database_.find<MemberRow>(options, Family::member, key_of(chat, list.user));
  if (!member) return member.error();
  item.member = member->value_or(MemberRow{});
  item.member.user = list.user;
  if (list.receipts) {
    if (Status status = load_members(options, chat, item.members); !status) return status;
  }
  if (list.unread_max == 0) return {};
  const UnreadRange range = unread_range(item.view, item.chat, item.member, list.now_ms);
  UnreadCounter counter(list, range);
  if (range.from_seq > range.to_seq) return {};
  Scan scan(database_, options, Family::event, key_of(chat));
  for (scan.seek(key_of(chat, range.from_seq)); scan.valid(); scan.next()) {
    if (number_at(scan.key(), ChatId::kSize) > range.to_seq || !counter.add(scan.value())) break;
  }
  item.unread_count = counter.count();
  item.unread_mentions = counter.mentions();
  return scan.status();
}

Result<ChatsListed> Reader::execute(const ListChats& list) const {
  ChatsListed listed;
  Scan scan(database_, {}, Family::chat, Key());
  for (scan.seek(list.after ? key_of(*list.after) : Key()); scan.valid(); scan.next()) {
    ChatRow row;
    const auto chat = chat_at(scan.key(), 0);
    if (!chat || !decode(scan.value(), row)) return scan.corrupt();
    if (chat == list.after) continue;
    if (listed.items.size() >= list.limit) {
      listed.complete = false;
      break;
    }
    listed.items.emplace_back(*chat, std::move(row));
  }
  if (Status status = scan.status(); !status) return status.error();
  return listed;
}

Result<PendingScanned> Reader::execute(const ScanPending&) const {
  PendingScanned result;
  Scan scan(database_, {}, Family::pending, Key());
  for (scan.seek(Key()); scan.valid(); scan.next()) {
    const auto chat = chat_at(scan.key(), 0);
    if (!chat) return scan.corrupt();
    result.chats.push_back(*chat);
  }
  if (Status status = scan.status(); !status) return status.error();
  return result;
}

Result<AgendaScanned> Reader::execute(const ScanAgenda& agenda) const {
  AgendaScanned result;
  Scan scan(database_, {}, Family::agenda, Key());
  const auto time = [](int64_t ms) { return static_cast<uint64_t>(ms); };
  scan.seek(agenda.after ? key_of(time(agenda.after->first), agenda.after->second) : Key());
  for (; scan.valid(); scan.next()) {
    const auto chat = chat_at(scan.key(), kSeqBytes);
    if (!chat) return scan.corrupt();
    const std::pair item(static_cast<int64_t>(number_at(scan.key(), 0)), *chat);
    if (item == agenda.after) continue;
    if (item.first > agenda.until_ms) break;
    if (result.items.size() >= agenda.limit) {
      result.complete = false;
      break;
    }
    result.items.push_back(item);
  }
  if (Status status = scan.status(); !status) return status.error();
  return result;
}

Result<AuthoredListed> Reader::execute(const ListAuthored& list) const {
  AuthoredListed listed;
  Scan scan(database_, {}, Family::author, key_of(list.user));
  scan.seek(list.after_chat ? key_of(list.user, *list.after_chat, list.after_seq)
                            : key_of(list.user));
  for (; scan.valid(); scan.next()) {
    const auto chat = chat_at(scan.key(), kUserBytes);
    if (!chat || scan.key().size() != kUserBytes + ChatId::kSize + kSeqBytes) {
      return scan.corrupt();
    }
    const uint64_t seq = number_at(scan.key(), kUserBytes + ChatId::kSize);
    if (chat == list.after_chat && seq == list.after_seq) continue;
    if (listed.items.size() >= list.limit) {
      listed.complete = false;
      break;
    }
    listed.items.emplace_back(*chat, seq);
  }
  if (Status status = scan.status(); !status) return status.error();
  return listed;
}

}  // namespace chat::rocks
