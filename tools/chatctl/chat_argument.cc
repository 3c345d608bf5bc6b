#include "tools/chatctl/chat_argument.h"

#include <fmt/format.h>

#include <charconv>

#include "core/base/base64.h"

namespace chat::ctl {
namespace {

constexpr std::string_view kNamePrefix = "name:";

}  // namespace

std::string hex_of_base64(std::string_view base64) {
  return to_hex(bytes_from_base64(base64).value_or(""));
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
