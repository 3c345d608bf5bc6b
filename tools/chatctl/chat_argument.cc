#include "tools/chatctl/chat_argument.h"

#include <fmt/format.h>

#include <array>
#include <charconv>

namespace chat::ctl {
namespace {

constexpr std::string_view kNamePrefix = "name:";

int base64_digit(char c) {
  if (c >= 'A' && c <= 'Z') return c - 'A';
  if (c >= 'a' && c <= 'z') return c - 'a' + 26;
  if (c >= '0' && c <= '9') return c - '0' + 52;
  if (c == '+' || c == '-') return 62;
  if (c == '/' || c == '_') return 63;
  return -1;
}

}  // namespace

std::string hex_of_base64(std::string_view base64) {
  while (base64.ends_with('=')) base64.remove_suffix(1);
  std::string bytes;
  uint32_t bits = 0;
  int bit_count = 0;
  for (const char c : base64) {
    const int digit = base64_digit(c);
    if (digit < 0) return {};
    bits = bits << 6 | static_cast<uint32_t>(digit);
    bit_count += 6;
    if (bit_count >= 8) {
      bit_count -= 8;
      bytes.push_back(static_cast<char>(bits >> bit_count));
    }
  }
  return to_hex(bytes);
}

Result<ChatId> parse_chat(std::string_view text) {
  if (text.starts_with(kNamePrefix) && text.size() > kNamePrefix.size()) {
    return ChatId::named(text.substr(kNamePrefix.size()));
  }
  const auto id = ChatId::from_hex(text.size() == 24 ? hex_of_base64(text) : std::string(text));
  if (!id) {
    return make_error(ErrorCode::invalid_argument,
                      fmt::format("\"{}\" is no chat id: 32 hex digits, the base64 of -o json, or "
                                  "name:KEY (`chatctl chat list` shows the ids)",
                                  text));
  }
  return *id;
}

Result<uint64_t> parse_user_id(std::string_view text) {
  uint64_t id = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), id);
  if (error != std::errc() || end != text.data() + text.size() || id == 0 || id > kUserIdMax) {
    return make_error(
        ErrorCode::invalid_argument,
        fmt::format("\"{}\" is no user id: a number (`chatctl user show NAME` tells it)", text));
  }
  return id;
}

}  // namespace chat::ctl
