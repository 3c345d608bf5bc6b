// The keys of the stored rows. FROZEN: changing a layout makes existing stores unreadable. All
// numbers are big-endian, so that byte order is numeric order; a ChatId is its 16 bytes, a UserId
// 8, a seq 8.
//   event: chat|seq  chat: chat  pending: chat  member: chat|user  sent: chat|user|op key
//   inbox: user|first_inbox_seq  user_chat: user|chat  author: user|chat|seq  user: user
//   agenda: due_ms|chat  device: user|device id
// Owns nothing. Thread rule: plain values.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/base/ids.h"

namespace chat::rocks {

inline constexpr size_t kUserBytes = 8;
inline constexpr size_t kSeqBytes = 8;
inline constexpr size_t kOpKeyBytes = 16;
inline constexpr size_t kDeviceIdBytesMax = 64;

/// A key, or the prefix of keys, in place.
class Key {
 public:
  Key& add(uint64_t number);
  Key& add(UserId user) { return add(user.value); }
  Key& add(const ChatId& chat) { return add(chat.bytes()); }
  Key& add(const OpKey& key) { return add(key.view()); }
  /// A device id ends its key and is not longer than kDeviceIdBytesMax; a longer one is cut.
  Key& add(const std::string& device_id) {
    return add(std::string_view(device_id).substr(0, kDeviceIdBytesMax));
  }

  std::string_view view() const { return {bytes_.data(), size_}; }

 private:
  Key& add(std::string_view bytes);

  std::array<char, kUserBytes + kDeviceIdBytesMax> bytes_;
  size_t size_ = 0;
};

template <class... Parts>
Key key_of(const Parts&... parts) {
  Key key;
  (key.add(parts), ...);
  return key;
}

/// The number at `offset`; `key` holds at least offset + 8 bytes.
uint64_t number_at(std::string_view key, size_t offset);
/// The chat id at `offset`, or nullopt when the key is too short or these bytes are no chat id.
std::optional<ChatId> chat_at(std::string_view key, size_t offset);

}  // namespace chat::rocks
