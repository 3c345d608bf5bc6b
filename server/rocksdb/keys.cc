#include "server/rocksdb/keys.h"

#include <cstring>

#include "core/base/assert.h"

namespace chat::rocks {

Key& Key::add(uint64_t number) {
  std::array<char, 8> big_endian;
  for (size_t i = 0; i < 8; ++i) big_endian[i] = static_cast<char>(number >> (56 - 8 * i));
  return add(std::string_view(big_endian.data(), big_endian.size()));
}

Key& Key::add(std::string_view bytes) {
  CHAT_ASSERT(size_ + bytes.size() <= bytes_.size());
  std::memcpy(bytes_.data() + size_, bytes.data(), bytes.size());
  size_ += bytes.size();
  return *this;
}

uint64_t number_at(std::string_view key, size_t offset) {
  CHAT_ASSERT(key.size() >= offset + 8);
  uint64_t number = 0;
  for (size_t i = 0; i < 8; ++i) {
    number = number << 8 | static_cast<uint8_t>(key[offset + i]);
  }
  return number;
}

std::optional<ChatId> chat_at(std::string_view key, size_t offset) {
  if (key.size() < offset + ChatId::kSize) return std::nullopt;
  return ChatId::from_bytes(key.substr(offset, ChatId::kSize));
}

}  // namespace chat::rocks
