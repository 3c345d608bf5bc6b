#include "core/base/utf8.h"

#include <cstdint>
#include <cstring>

namespace chat {
namespace {

// The length of the well-formed multi-byte character at `s`, or 0 (Unicode 15, table 3-7).
size_t utf8_character(const uint8_t* s, size_t size) {
  const auto tail = [s](size_t i) { return (s[i] & 0xc0) == 0x80; };
  if (s[0] >= 0xc2 && s[0] <= 0xdf) return size >= 2 && tail(1) ? 2 : 0;
  if (s[0] >= 0xe0 && s[0] <= 0xef) {
    if (size < 3 || !tail(1) || !tail(2)) return 0;
    const bool overlong = s[0] == 0xe0 && s[1] < 0xa0;
    const bool surrogate = s[0] == 0xed && s[1] > 0x9f;
    return overlong || surrogate ? 0 : 3;
  }
  if (s[0] >= 0xf0 && s[0] <= 0xf4) {
    if (size < 4 || !tail(1) || !tail(2) || !tail(3)) return 0;
    const bool overlong = s[0] == 0xf0 && s[1] < 0x90;
    const bool beyond = s[0] == 0xf4 && s[1] > 0x8f;
    return overlong || beyond ? 0 : 4;
  }
  return 0;
}

// The length of the well-formed character at `s`, or 0.
size_t character(const uint8_t* s, size_t size) {
  return s[0] < 0x80 ? 1 : utf8_character(s, size);
}

}  // namespace

bool is_utf8(std::string_view bytes) {
  const auto* s = reinterpret_cast<const uint8_t*>(bytes.data());
  size_t left = bytes.size();
  while (left > 0) {
    uint64_t word;
    if (left >= 8 && (std::memcpy(&word, s, 8), (word & 0x8080808080808080ull) == 0)) {
      s += 8;
      left -= 8;
      continue;
    }
    const size_t length = character(s, left);
    if (length == 0) return false;
    s += length;
    left -= length;
  }
  return true;
}

std::string displayable(std::string_view text, size_t bytes_max) {
  std::string out;
  while (!text.empty()) {
    const size_t length = character(reinterpret_cast<const uint8_t*>(text.data()), text.size());
    const std::string_view shown = length == 0 ? "?" : text.substr(0, length);
    if (out.size() + shown.size() > bytes_max) break;
    out += shown;
    text.remove_prefix(length == 0 ? 1 : length);
  }
  return out;
}

}  // namespace chat
