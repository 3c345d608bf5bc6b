// Query: the parameters behind the '?' of a request, and a path in its parts.
// Views into the text it was made of, which must outlive it. Thread rule: plain values.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/base/error.h"
#include "core/base/ids.h"

namespace chat {

class Query {
 public:
  explicit Query(std::string_view text);

  /// The first value of a parameter; nullopt when it is absent.
  std::optional<std::string_view> find(std::string_view name) const;
  /// A whole number; `otherwise` when it is absent. Error invalid_argument names the parameter.
  Result<uint64_t> number(std::string_view name, uint64_t otherwise,
                          uint64_t max = std::numeric_limits<uint64_t>::max()) const;
  /// A chat id of 32 hexadecimal digits; nullopt when it is absent or empty.
  Result<std::optional<ChatId>> chat(std::string_view name) const;
  /// Bytes written as hexadecimal digits; empty when it is absent.
  Result<std::string> bytes(std::string_view name) const;
  /// Text with its %XX taken back; empty when it is absent.
  Result<std::string> text(std::string_view name) const;

 private:
  std::vector<std::pair<std::string_view, std::string_view>> parameters_;
};

/// "/v1/chats/ab" as {"v1", "chats", "ab"}; empty parts are dropped.
std::vector<std::string_view> path_parts(std::string_view path);

/// A chat id as it stands in paths. Error invalid_argument.
Result<ChatId> chat_of_path(std::string_view part);
/// The seq of a message as it stands in paths. Error invalid_argument.
Result<uint64_t> seq_of_path(std::string_view part);

}  // namespace chat
