#include "core/store/store_rules.h"

#include <algorithm>
#include <string>

#include "core/wire/peer.pb.h"

namespace chat {
namespace {

Error malformed(const std::string& what) {
  return make_error(ErrorCode::invalid_argument, "store command refused: " + what);
}

Status check(const AppendEvents& append) {
  uint64_t seq = append.expected_last_seq;
  for (const EventRow& event : append.events) {
    if (event.seq != ++seq) return malformed("events are not dense from expected_last_seq + 1");
  }
  uint64_t rewritten = append.row.oldest_seq - 1;
  for (const EventRow& event : append.rewrites) {
    if (event.seq <= rewritten) return malformed("rewrites do not ascend from row.oldest_seq");
    rewritten = event.seq;
  }
  if (!append.rewrites.empty() && (append.events.empty() || rewritten > append.expected_last_seq)) {
    return malformed("only a new event rewrites, and only events before it");
  }
  if (append.row.last_seq != seq) return malformed("row.last_seq is not the seq of the last event");
  if (append.row.fanned_seq > seq) return malformed("row.fanned_seq is above row.last_seq");
  return {};
}

Status check(const InboxWrite& write) {
  uint64_t head = write.expected_head;
  for (const InboxRow& row : write.rows) {
    if (row.first_inbox_seq != head + 1) return malformed("inbox rows are not dense");
    if (row.count == 0) return malformed("an inbox row covers nothing");
    if (row.kind == InboxRow::Kind::read_marker && row.count != 1) {
      return malformed("a read marker covers more than one position");
    }
    head += row.count;
  }
  if (head != write.new_head) return malformed("inbox rows do not end at new_head");
  return {};
}

Status check(const AppendInboxes& append) {
  std::vector<UserId> users;
  users.reserve(append.writes.size());
  for (const InboxWrite& write : append.writes) {
    if (Status status = check(write); !status) return status;
    users.push_back(write.user);
  }
  std::sort(users.begin(), users.end());
  if (std::adjacent_find(users.begin(), users.end()) != users.end()) {
    return malformed("two inbox writes of one user");
  }
  return {};
}

}  // namespace

Status check_write(const StoreCommand& command) {
  if (const auto* append = std::get_if<AppendEvents>(&command)) return check(*append);
  if (const auto* append = std::get_if<AppendInboxes>(&command)) return check(*append);
  if (!is_write(command)) return wrong_half(command);
  return {};
}

void keep_higher(const ChatRow& stored, ChatRow& row) {
  row.fanned_seq = std::max(row.fanned_seq, stored.fanned_seq);
  row.oldest_seq = std::max(row.oldest_seq, stored.oldest_seq);
  row.receipts_ms = std::max(row.receipts_ms, stored.receipts_ms);
}

void keep_higher(const MemberRow& stored, MemberRow& row) {
  row.delivered_seq = std::max(row.delivered_seq, stored.delivered_seq);
  row.read_seq = std::max(row.read_seq, stored.read_seq);
}

uint64_t first_shown_seq(const ChatRow& row) {
  return row.ended ? std::max(row.oldest_seq, row.last_seq) : row.oldest_seq;
}

Status check_drop(const ChatRow& row) {
  if (!row.ended) return malformed("the chat to drop is not over");
  if (row.fanned_seq < row.last_seq) return malformed("the chat to drop is not fanned out");
  return {};
}

ChatRow gravestone_of(const ChatRow& row) {
  ChatRow grave;
  grave.kind = row.kind;
  grave.last_seq = grave.fanned_seq = row.last_seq;
  grave.oldest_seq = row.last_seq + 1;
  grave.last_ts_ms = row.last_ts_ms;
  grave.created_ms = row.created_ms;
  grave.ended = true;
  return grave;
}

UserId author_of(std::string_view stored_event) {
  peer::StoredEvent event;
  const bool decodes =
      event.ParseFromArray(stored_event.data(), static_cast<int>(stored_event.size()));
  return decodes ? UserId{event.author()} : UserId{};
}

bool is_wanted(const ListUserChats& list, const ChatRow& chat) {
  return !list.receipts || (chat.receipts_ms >= list.receipts->since_ms &&
                            chat.member_count <= list.receipts->members_max);
}

WriteCost cost_of(const StoreCommand& command) {
  constexpr uint64_t row_bytes = 48;  // Key and fixed fields of a typical row.
  WriteCost cost;
  if (const auto* append = std::get_if<AppendEvents>(&command)) {
    cost.rows = 2 + append->events.size() + append->rewrites.size() + append->keys.size() +
                append->members.size();
    cost.bytes = append->row.title.size();
    for (const EventRow& event : append->events) cost.bytes += event.stored_event.size();
    for (const EventRow& event : append->rewrites) cost.bytes += event.stored_event.size();
  } else if (const auto* inboxes = std::get_if<AppendInboxes>(&command)) {
    for (const InboxWrite& write : inboxes->writes) {
      cost.rows += 1 + write.rows.size() + write.chats.size() + write.authored.size();
    }
  } else if (const auto* prune = std::get_if<PruneChat>(&command)) {
    cost.rows = prune->limit;
  } else if (const auto* drop = std::get_if<DropChat>(&command)) {
    cost.rows = drop->limit;
  } else {
    const auto* save = std::get_if<SaveUser>(&command);
    cost.rows = 1 + (save ? save->devices.size() + save->forget_devices.size() : 0);
  }
  cost.bytes += cost.rows * row_bytes;
  return cost;
}

StoreResult unknown_result(const StoreCommand& command) {
  if (std::holds_alternative<AppendEvents>(command)) return AppendResult{};
  if (const auto* append = std::get_if<AppendInboxes>(&command)) {
    return AppendInboxesResult{std::vector<InboxResult>(append->writes.size())};
  }
  return make_error(ErrorCode::unavailable, "the store did not confirm the write");
}

Error wrong_half(const StoreCommand& command) {
  return make_error(ErrorCode::internal, is_write(command)
                                             ? "a write was handed to ChatStore::read"
                                             : "a read was handed to ChatStore::write");
}

bool PageBudget::admit(uint64_t bytes) {
  if (rows_left_ == 0) return false;
  if (!empty_ && bytes > bytes_left_) {
    rows_left_ = 0;
    return false;
  }
  empty_ = false;
  --rows_left_;
  bytes_left_ -= std::min(bytes, bytes_left_);
  return true;
}

}  // namespace chat
