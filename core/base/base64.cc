#include "core/base/base64.h"

#include <cstdint>

namespace chat {
namespace {

constexpr std::string_view kAlphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

int value_of(char digit) {
  if (digit == '-') return 62;
  if (digit == '_') return 63;
  const size_t at = kAlphabet.find(digit);
  return at == std::string_view::npos ? -1 : static_cast<int>(at);
}

}  // namespace

std::string to_base64(std::string_view bytes) {
  std::string out;
  out.reserve((bytes.size() + 2) / 3 * 4);
  uint32_t bits = 0;
  int bit_count = 0;
  for (const char byte : bytes) {
    bits = bits << 8 | static_cast<uint8_t>(byte);
    for (bit_count += 8; bit_count >= 6;) {
      bit_count -= 6;
      out.push_back(kAlphabet[bits >> bit_count & 63]);
    }
  }
  if (bit_count > 0) out.push_back(kAlphabet[bits << (6 - bit_count) & 63]);
  out.append((4 - out.size() % 4) % 4, '=');
  return out;
}

std::optional<std::string> bytes_from_base64(std::string_view text) {
  const size_t digits = text.find_last_not_of('=') + 1;
  const size_t padding = text.size() - digits;
  if (digits % 4 == 1 || padding > 2 || (padding > 0 && text.size() % 4 != 0)) return std::nullopt;
  std::string out;
  out.reserve(digits * 3 / 4);
  uint32_t bits = 0;
  int bit_count = 0;
  for (const char digit : text.substr(0, digits)) {
    const int value = value_of(digit);
    if (value < 0) return std::nullopt;
    bits = bits << 6 | static_cast<uint32_t>(value);
    bit_count += 6;
    if (bit_count >= 8) {
      bit_count -= 8;
      out.push_back(static_cast<char>(bits >> bit_count));
    }
  }
  return out;
}

}  // namespace chat
