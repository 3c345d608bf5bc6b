#include "server/rest/query.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace chat {

Query::Query(std::string_view text) {
  while (!text.empty()) {
    const std::string_view pair = text.substr(0, text.find('&'));
    const size_t equals = std::min(pair.find('='), pair.size());
    parameters_.emplace_back(pair.substr(0, equals),
                             pair.substr(std::min(equals + 1, pair.size())));
    text.remove_prefix(std::min(pair.size() + 1, text.size()));
  }
}

std::optional<std::string_view> Query::find(std::string_view name) const {
  for (const auto& [known, value] : parameters_) {
    if (known == name) return value;
  }
  return std::nullopt;
}

Result<uint64_t> Query::number(std::string_view name, uint64_t otherwise, uint64_t max) const {
  const auto text = find(name);
  if (!text) return otherwise;
  uint64_t value = 0;
  const auto [end, code] = std::from_chars(text->data(), text->data() + text->size(), value);
  if (code == std::errc{} && end == text->data() + text->size() && value <= max) return value;
  return make_error(
      ErrorCode::invalid_argument,
      fmt::format("{}: expected a whole number up to {}, got \"{}\"", name, max, *text));
}

Result<std::optional<ChatId>> Query::chat(std::string_view name) const {
  const auto text = find(name);
  if (!text || text->empty()) return std::optional<ChatId>();
  const auto chat = chat_of_path(*text);
  if (!chat) return chat.error();
  return std::optional<ChatId>(*chat);
}

Result<std::string> Query::bytes(std::string_view name) const {
  const auto digits = find(name);
  if (!digits) return std::string();
  if (auto bytes = bytes_from_hex(*digits)) return std::move(*bytes);
  return make_error(ErrorCode::invalid_argument,
                    fmt::format("{}: expected hexadecimal digits, got \"{}\"", name, *digits));
}

Result<std::string> Query::text(std::string_view name) const {
  std::string_view rest = find(name).value_or(std::string_view());
  std::string text;
  while (!rest.empty()) {
    const bool escaped = rest.front() == '%';
    const auto byte = escaped ? bytes_from_hex(rest.substr(1, 2)) : std::string(1, rest.front());
    if (!byte || byte->size() != 1) {
      return make_error(ErrorCode::invalid_argument,
                        fmt::format("{}: expected two digits behind '%'", name));
    }
    text += *byte;
    rest.remove_prefix(escaped ? 3 : 1);
  }
  return text;
}

std::vector<std::string_view> path_parts(std::string_view path) {
  std::vector<std::string_view> parts;
  while (!path.empty()) {
    const std::string_view part = path.substr(0, path.find('/'));
    if (!part.empty()) parts.push_back(part);
    path.remove_prefix(std::min(part.size() + 1, path.size()));
  }
  return parts;
}

Result<ChatId> chat_of_path(std::string_view part) {
  if (const auto chat = ChatId::from_hex(part)) return *chat;
  return make_error(ErrorCode::invalid_argument,
                    fmt::format("expected a chat id of 32 hexadecimal digits, got \"{}\"", part));
}

Result<uint64_t> seq_of_path(std::string_view part) {
  uint64_t seq = 0;
  const auto [end, code] = std::from_chars(part.data(), part.data() + part.size(), seq);
  if (code == std::errc{} && end == part.data() + part.size()) return seq;
  return make_error(ErrorCode::invalid_argument,
                    fmt::format("expected the seq of a message, got \"{}\"", part));
}

}  // namespace chat
