#include "sim/virtual/output_digest.h"

#include "core/wire/chat.pb.h"

namespace chat::sim {
namespace {

class Adder {
 public:
  explicit Adder(Digest& digest) : digest_(digest) {}

  void operator()(const Send& send) { all(send.conn, *send.bytes); }
  void operator()(const Close& close) { all(close.conn, close.code, close.reason); }
  void operator()(const PeerSend& send) { all(send.to, send.datagram); }
  void operator()(const Store& store) {
    all(store.token, store.command.index());
    std::visit(*this, store.command);
  }
  void operator()(const Delay& delay) {
    all(delay.token, delay.command.index());
    std::visit(*this, delay.command);
  }
  void operator()(const Authenticate& ask) { all(ask.token, ask.credentials); }
  void operator()(const CheckUsers& ask) { all(ask.token, ask.users); }
  void operator()(const WakeAt& wake) { one(static_cast<uint64_t>(wake.at.ns)); }
  void operator()(const Journal& j) { all(j.chat, j.seq, j.at.ms, j.kind, j.user, j.actor); }
  void operator()(const ResponseOutput& output) {
    all(output.id, output.response->SerializeAsString());
  }

  void operator()(const DelayAppend& c) { one(c.entries); }
  void operator()(const DelayRemove& c) { one(c.keys); }

  void operator()(const AppendEvents& c) {
    all(c.chat, c.expected_last_seq, c.row, c.events, c.rewrites, c.keys, c.members, c.pending);
  }
  void operator()(const AppendInboxes& c) { one(c.writes); }
  void operator()(const SaveUser& c) {
    all(c.user, c.delivered_inbox_seq.value_or(0), c.last_seen_ms.value_or(0), c.devices,
        c.forget_devices);
  }
  void operator()(const PruneChat& c) { all(c.chat, c.below_seq, c.limit); }
  void operator()(const DropChat& c) { all(c.chat, c.limit); }
  void operator()(const TrimInbox& c) { all(c.user, c.oldest_inbox_seq); }
  void operator()(const LoadChat& c) { one(c.chat); }
  void operator()(const ReadEvents& c) {
    all(c.chat, c.from_seq, c.to_seq, c.limit, c.bytes_max, c.newest_first);
  }
  void operator()(const FindKey& c) { all(c.chat, c.user, c.key); }
  void operator()(const LoadUser& c) { one(c.user); }
  void operator()(const ReadInbox& c) { all(c.user, c.from_inbox_seq, c.limit, c.bytes_max); }
  void operator()(const ListUserChats& c) {
    all(c.user, c.after.value_or(ChatId()), c.limit, c.unread_max);
    if (c.receipts) all(c.receipts->since_ms, c.receipts->members_max);
  }
  void operator()(const ListChats& c) { all(c.after.value_or(ChatId()), c.limit); }
  void operator()(const ScanPending&) {}
  void operator()(const ScanAgenda& c) {
    all(c.until_ms, c.after.value_or(std::pair<int64_t, ChatId>()), c.limit);
  }
  void operator()(const ListAuthored& c) {
    all(c.user, c.after_chat.value_or(ChatId()), c.after_seq, c.limit);
  }

 private:
  template <class... Parts>
  void all(const Parts&... parts) {
    (one(parts), ...);
  }

  template <class Number>
  requires std::is_arithmetic_v<Number> || std::is_enum_v<Number>
  void one(Number number) { digest_.add(static_cast<uint64_t>(number)); }
  template <class Tag>
  void one(StrongId<Tag> id) {
    digest_.add(id.value);
  }
  template <class Item>
  void one(const std::vector<Item>& items) {
    one(items.size());
    for (const Item& item : items) one(item);
  }
  template <class First, class Second>
  void one(const std::pair<First, Second>& pair) {
    all(pair.first, pair.second);
  }
  void one(const std::string& text) { digest_.add(std::string_view(text)); }
  void one(const ChatId& chat) { digest_.add(chat.bytes()); }
  void one(const OpKey& key) { digest_.add(key.view()); }
  void one(const EngineRef& ref) { all(ref.id, ref.incarnation); }
  void one(const DelayKey& key) { all(key.engine, key.number); }
  void one(const DelayEntry& entry) { all(entry.key, entry.chat, entry.request); }
  void one(const ChatRow& r) {
    all(r.kind, r.title, r.last_seq, r.fanned_seq, r.oldest_seq, r.last_ts_ms, r.created_ms,
        r.member_count, r.receipts_ms, r.retention_ms, r.ended, r.expires_ms, r.emptied_ms,
        r.prune_ms, r.due_ms);
  }
  void one(const MemberRow& r) {
    all(r.user, r.role, r.joined_seq, r.left_seq, r.delivered_seq, r.read_seq, r.banned);
  }
  void one(const DeviceRow& r) { all(r.device_id, r.acked_inbox_seq, r.last_seen_ms, r.client); }
  void one(const EventRow& r) { all(r.seq, r.stored_event); }
  void one(const KeyRow& r) {
    all(r.key, r.user, r.seq, r.server_ts_ms, r.content_hash, r.expires_ms);
  }
  void one(const UserChatRow& r) { all(r.chat, r.last_ref_seq, r.read_seq); }
  void one(const InboxRow& r) { all(r.kind, r.first_inbox_seq, r.chat, r.first_seq, r.count); }
  void one(const InboxWrite& w) {
    all(w.user, w.expected_head, w.new_head, w.rows, w.chats, w.authored);
  }

  Digest& digest_;
};

}  // namespace

void add_output(Digest& digest, const Output& output) {
  digest.add(output.index());
  std::visit(Adder(digest), output);
}

}  // namespace chat::sim
