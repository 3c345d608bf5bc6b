#include "server/delay_log/delay_log_format.h"

#include <fmt/format.h>

#include <boost/crc.hpp>
#include <optional>

namespace chat {
namespace {

constexpr std::string_view kFileMark = "chatdly1";
constexpr std::string_view kFrameMark = "\xf7\xd1\x1e\xf7";
constexpr size_t kFrameHeaderBytes = 12;
constexpr char kAppend = 1, kRemove = 2;
constexpr size_t kKeyBytes = 24;

void put(std::string& out, uint64_t value, size_t bytes) {
  for (size_t i = bytes; i-- > 0;) out.push_back(static_cast<char>(value >> (8 * i)));
}

/// Takes values off the front; `ok` turns false when there are too few bytes, for good.
struct Reader {
  std::string_view bytes;
  bool ok = true;

  std::string_view take(size_t count) {
    if (!ok || count > bytes.size()) {
      ok = false;
      return {};
    }
    const std::string_view taken = bytes.substr(0, count);
    bytes.remove_prefix(count);
    return taken;
  }
  uint64_t number(size_t count) {
    uint64_t value = 0;
    for (char c : take(count)) value = value << 8 | static_cast<uint8_t>(c);
    return value;
  }
};

uint32_t checksum(uint64_t salt, std::string_view records) {
  boost::crc_32_type crc;
  std::string salted;
  put(salted, salt, 8);
  crc.process_bytes(salted.data(), salted.size());
  crc.process_bytes(records.data(), records.size());
  return crc.checksum();
}

void put_key(std::string& out, const DelayKey& key) {
  put(out, key.engine.id.value, 8);
  put(out, key.engine.incarnation.value, 8);
  put(out, key.number, 8);
}

DelayKey take_key(Reader& in) {
  DelayKey key;
  key.engine.id = EngineId{in.number(8)};
  key.engine.incarnation = Incarnation{in.number(8)};
  key.number = in.number(8);
  return key;
}

/// The records of the frame at the front of `bytes`; nullopt when there is no whole, good one.
std::optional<std::string_view> frame_at(std::string_view bytes, uint64_t salt) {
  Reader in{bytes};
  if (in.take(kFrameMark.size()) != kFrameMark) return std::nullopt;
  const size_t length = in.number(4);
  const uint64_t sum = in.number(4);
  const std::string_view records = in.take(length);
  if (!in.ok || length == 0 || checksum(salt, records) != sum) return std::nullopt;
  return records;
}

bool has_frame_after(std::string_view bytes, uint64_t salt) {
  for (size_t at = 1; (at = bytes.find(kFrameMark, at)) != std::string_view::npos; ++at) {
    if (frame_at(bytes.substr(at), salt)) return true;
  }
  return false;
}

bool decode_records(std::string_view records, std::vector<DelayCommand>& out) {
  Reader in{records};
  while (in.ok && !in.bytes.empty()) {
    const uint64_t type = in.number(1);
    const DelayKey key = take_key(in);
    if (type == kRemove) {
      if (in.ok) out.push_back(DelayRemove{{key}});
      continue;
    }
    const auto chat = ChatId::from_bytes(in.take(ChatId::kSize));
    const std::string_view request = in.take(in.number(4));
    if (type != kAppend || !in.ok || !chat) return false;
    out.push_back(DelayAppend{{{key, *chat, std::string(request)}}});
  }
  return in.ok;
}

}  // namespace

std::string encode_delay_header(uint64_t salt) {
  std::string out(kFileMark);
  put(out, salt, 8);
  return out;
}

size_t delay_entry_bytes(const DelayEntry& entry) {
  return 1 + kKeyBytes + ChatId::kSize + 4 + entry.request.size();
}

std::string encode_delay_frame(uint64_t salt, std::span<const DelayCommand> commands) {
  std::string records;
  for (const DelayCommand& command : commands) {
    if (const auto* append = std::get_if<DelayAppend>(&command)) {
      for (const DelayEntry& entry : append->entries) {
        records.push_back(kAppend);
        put_key(records, entry.key);
        records += entry.chat.bytes();
        put(records, entry.request.size(), 4);
        records += entry.request;
      }
      continue;
    }
    for (const DelayKey& key : std::get<DelayRemove>(command).keys) {
      records.push_back(kRemove);
      put_key(records, key);
    }
  }
  std::string frame(kFrameMark);
  put(frame, records.size(), 4);
  put(frame, checksum(salt, records), 4);
  return frame + records;
}

Result<DecodedDelayLog> decode_delay_log(std::string_view bytes) {
  DecodedDelayLog decoded;
  const std::string_view mark = bytes.substr(0, kFileMark.size());
  if (mark != kFileMark.substr(0, mark.size())) {
    return make_error(ErrorCode::corrupt, "it does not begin as a delay log");
  }
  if (bytes.size() < kDelayHeaderBytes) return decoded;
  Reader salt{bytes.substr(kFileMark.size())};
  decoded.salt = salt.number(8);
  size_t at = kDelayHeaderBytes;
  while (at < bytes.size()) {
    const auto records = frame_at(bytes.substr(at), decoded.salt);
    if (!records) {
      if (!has_frame_after(bytes.substr(at), decoded.salt)) break;
      return make_error(ErrorCode::corrupt, fmt::format("it is damaged at byte {}", at));
    }
    if (!decode_records(*records, decoded.commands)) {
      return make_error(ErrorCode::corrupt, fmt::format("it has unknown records at byte {}", at));
    }
    at += kFrameHeaderBytes + records->size();
  }
  decoded.good_bytes = at;
  return decoded;
}

}  // namespace chat
