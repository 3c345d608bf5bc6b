#include "server/rocksdb/rows.h"

#include <limits>

namespace chat::rocks {
namespace {

constexpr char kFormat = 1;

class Writer {
 public:
  Writer() { bytes_.push_back(kFormat); }

  Writer& number(uint64_t value) {
    for (; value >= 0x80; value >>= 7) bytes_.push_back(static_cast<char>(value | 0x80));
    bytes_.push_back(static_cast<char>(value));
    return *this;
  }
  Writer& time(int64_t ms) { return number(static_cast<uint64_t>(ms)); }
  /// kStillMember is the common case and becomes one byte.
  Writer& left_seq(uint64_t seq) { return number(seq + 1); }
  Writer& raw(std::string_view bytes) {
    bytes_.append(bytes);
    return *this;
  }
  Writer& text(std::string_view text) { return number(text.size()).raw(text); }
  std::string take() { return std::move(bytes_); }

 private:
  std::string bytes_;
};

/// Reads what Writer wrote; after the first failure every read fails.
class Reader {
 public:
  explicit Reader(std::string_view bytes) : rest_(bytes) {
    ok_ = raw(1) == std::string(1, kFormat);
  }

  uint64_t number() {
    uint64_t value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      if (rest_.empty()) break;
      const auto byte = static_cast<uint8_t>(rest_.front());
      rest_.remove_prefix(1);
      if (shift == 63 && byte > 1) break;
      value |= static_cast<uint64_t>(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    ok_ = false;
    return 0;
  }
  template <class T>
  T number_below(uint64_t end) {
    const uint64_t value = number();
    if (value >= end) ok_ = false;
    return static_cast<T>(value);
  }
  int64_t time() { return static_cast<int64_t>(number()); }
  uint64_t left_seq() { return number() - 1; }
  std::string_view raw(size_t size) {
    if (size > rest_.size()) {
      ok_ = false;
      return {};
    }
    const std::string_view bytes = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return bytes;
  }
  std::string text() { return std::string(raw(number())); }
  void fail() { ok_ = false; }
  bool ok() const { return ok_; }

 private:
  std::string_view rest_;
  bool ok_ = true;
};

}  // namespace

std::string encode(const ChatRow& row) {
  return Writer()
      .number(static_cast<uint64_t>(row.kind))
      .number(row.last_seq)
      .number(row.fanned_seq)
      .number(row.oldest_seq)
      .time(row.last_ts_ms)
      .time(row.created_ms)
      .number(row.member_count)
      .time(row.receipts_ms)
      .text(row.title)
      .time(row.retention_ms)
      .number(row.ended ? 1 : 0)
      .time(row.expires_ms)
      .time(row.emptied_ms)
      .time(row.prune_ms)
      .time(row.due_ms)
      .take();
}

bool decode(std::string_view bytes, ChatRow& row) {
  Reader reader(bytes);
  row.kind = reader.number_below<ChatKind>(static_cast<uint64_t>(ChatKind::room) + 1);
  row.last_seq = reader.number();
  row.fanned_seq = reader.number();
  row.oldest_seq = reader.number();
  row.last_ts_ms = reader.time();
  row.created_ms = reader.time();
  row.member_count = reader.number_below<uint32_t>(uint64_t{1} << 32);
  row.receipts_ms = reader.time();
  row.title = reader.text();
  row.retention_ms = reader.time();
  row.ended = reader.number_below<uint8_t>(2) != 0;
  row.expires_ms = reader.time();
  row.emptied_ms = reader.time();
  row.prune_ms = reader.time();
  row.due_ms = reader.time();
  return reader.ok();
}

std::string encode(const MemberRow& row) {
  return Writer()
      .number(static_cast<uint64_t>(row.role))
      .number(row.joined_seq)
      .left_seq(row.left_seq)
      .number(row.delivered_seq)
      .number(row.read_seq)
      .number(row.banned ? 1 : 0)
      .take();
}

bool decode(std::string_view bytes, MemberRow& row) {
  Reader reader(bytes);
  row.role = reader.number_below<Role>(static_cast<uint64_t>(Role::owner) + 1);
  row.joined_seq = reader.number();
  row.left_seq = reader.left_seq();
  row.delivered_seq = reader.number();
  row.read_seq = reader.number();
  row.banned = reader.number_below<uint8_t>(2) != 0;
  return reader.ok();
}

std::string encode(const KeyRow& row) {
  return Writer()
      .number(row.seq)
      .time(row.server_ts_ms)
      .number(row.content_hash)
      .time(row.expires_ms)
      .take();
}

bool decode(std::string_view bytes, KeyRow& row) {
  Reader reader(bytes);
  row.seq = reader.number();
  row.server_ts_ms = reader.time();
  row.content_hash = reader.number();
  row.expires_ms = reader.time();
  return reader.ok();
}

std::string encode(const InboxRow& row) {
  return Writer()
      .number(static_cast<uint64_t>(row.kind))
      .raw(row.chat.bytes())
      .number(row.first_seq)
      .number(row.count)
      .take();
}

bool decode(std::string_view bytes, InboxRow& row) {
  Reader reader(bytes);
  row.kind =
      reader.number_below<InboxRow::Kind>(static_cast<uint64_t>(InboxRow::Kind::read_marker) + 1);
  if (const auto chat = ChatId::from_bytes(reader.raw(ChatId::kSize))) {
    row.chat = *chat;
  } else {
    reader.fail();
  }
  row.first_seq = reader.number();
  row.count = reader.number_below<uint32_t>(uint64_t{1} << 32);
  return reader.ok() && row.count > 0;
}

std::string encode(const UserChatRow& row) {
  return Writer().number(row.last_ref_seq).number(row.read_seq).take();
}

bool decode(std::string_view bytes, UserChatRow& row) {
  Reader reader(bytes);
  row.last_ref_seq = reader.number();
  row.read_seq = reader.number();
  return reader.ok();
}

std::string encode(const UserRow& row) {
  return Writer()
      .number(row.inbox_head)
      .number(row.delivered_inbox_seq)
      .time(row.last_seen_ms)
      .number(row.oldest_inbox_seq)
      .take();
}

bool decode(std::string_view bytes, UserRow& row) {
  Reader reader(bytes);
  row.inbox_head = reader.number();
  row.delivered_inbox_seq = reader.number();
  row.last_seen_ms = reader.time();
  row.oldest_inbox_seq = reader.number();
  return reader.ok();
}

std::string encode(const DeviceRow& row) {
  return Writer().number(row.acked_inbox_seq).time(row.last_seen_ms).text(row.client).take();
}

bool decode(std::string_view bytes, DeviceRow& row) {
  Reader reader(bytes);
  row.acked_inbox_seq = reader.number();
  row.last_seen_ms = reader.time();
  row.client = reader.text();
  return reader.ok();
}

}  // namespace chat::rocks
