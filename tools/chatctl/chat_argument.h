// How people and JSON write ids on chatctl's command line, and what the admin port wants instead.
// Thread rule: pure functions.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/base/error.h"
#include "core/base/ids.h"

namespace chat::ctl {

/// A chat as 32 hex digits, as the base64 of canonical JSON, or as name:KEY for a chat that an
/// import made under KEY. Error: invalid_argument.
Result<ChatId> parse_chat(std::string_view text);

/// A user id in decimal. Error: invalid_argument.
Result<uint64_t> parse_user_id(std::string_view text);

/// The bytes of a base64 text as lower-case hex digits; empty when it is no base64.
std::string hex_of_base64(std::string_view base64);

}  // namespace chat::ctl
