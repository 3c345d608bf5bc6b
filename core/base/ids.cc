#include "core/base/ids.h"

#include <algorithm>
#include <cstring>

#include "core/base/digest.h"

namespace chat {
namespace {

void put_big_endian(uint8_t* out, uint64_t value, int size) {
  for (int i = size - 1; i >= 0; --i, value >>= 8) out[i] = static_cast<uint8_t>(value);
}

uint64_t get_big_endian(const uint8_t* in, int size) {
  uint64_t value = 0;
  for (int i = 0; i < size; ++i) value = value << 8 | in[i];
  return value;
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace

ChatId ChatId::direct(UserId a, UserId b) {
  ChatId id;
  put_big_endian(id.bytes_.data(), std::min(a.value, b.value), 8);
  put_big_endian(id.bytes_.data() + 8, std::max(a.value, b.value), 8);
  return id;
}

ChatId ChatId::random(WallTime now, Random& random) {
  ChatId id;
  put_big_endian(id.bytes_.data(), static_cast<uint64_t>(now.ms), 6);
  put_big_endian(id.bytes_.data() + 6, random.next(), 8);
  put_big_endian(id.bytes_.data() + 14, random.next(), 2);
  id.bytes_[0] |= 0x80;
  return id;
}

ChatId ChatId::named(std::string_view name) {
  Digest second;
  second.add(name);
  second.add(uint64_t{1});
  ChatId id;
  put_big_endian(id.bytes_.data(), hash_bytes(name), 8);
  put_big_endian(id.bytes_.data() + 8, second.value(), 8);
  id.bytes_[0] |= 0x80;
  return id;
}

std::optional<ChatId> ChatId::from_bytes(std::string_view bytes) {
  if (bytes.size() != kSize) return std::nullopt;
  ChatId id;
  std::memcpy(id.bytes_.data(), bytes.data(), kSize);
  if (id.is_direct()) {
    const auto [low, high] = id.direct_users();
    if (low.value == 0 || low >= high || high.value > kUserIdMax) return std::nullopt;
  }
  return id;
}

std::optional<ChatId> ChatId::from_hex(std::string_view hex) {
  const auto bytes = bytes_from_hex(hex);
  return bytes ? from_bytes(*bytes) : std::nullopt;
}

std::array<UserId, 2> ChatId::direct_users() const {
  return {UserId{get_big_endian(bytes_.data(), 8)}, UserId{get_big_endian(bytes_.data() + 8, 8)}};
}

std::string ChatId::hex() const { return to_hex(bytes()); }

uint64_t ChatId::hash() const { return hash_bytes(bytes()); }

std::optional<OpKey> OpKey::from_bytes(std::string_view bytes) {
  OpKey key;
  if (bytes.size() != key.bytes.size()) return std::nullopt;
  std::memcpy(key.bytes.data(), bytes.data(), bytes.size());
  return key;
}

std::string to_hex(std::string_view bytes) {
  static constexpr char digits[] = "0123456789abcdef";
  std::string out;
  out.reserve(bytes.size() * 2);
  for (unsigned char c : bytes) {
    out.push_back(digits[c >> 4]);
    out.push_back(digits[c & 15]);
  }
  return out;
}

std::optional<std::string> bytes_from_hex(std::string_view hex) {
  if (hex.size() % 2 != 0) return std::nullopt;
  std::string out;
  for (size_t i = 0; i < hex.size(); i += 2) {
    const int high = hex_digit(hex[i]), low = hex_digit(hex[i + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    out.push_back(static_cast<char>(high << 4 | low));
  }
  return out;
}

}  // namespace chat
