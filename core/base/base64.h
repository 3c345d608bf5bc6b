// Base64 (RFC 4648): bytes as they stand in canonical JSON and in HTTP headers.
// Owns nothing. Thread rule: pure functions.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace chat {

/// `bytes` in the standard alphabet, with padding.
std::string to_base64(std::string_view bytes);
/// The bytes of a base64 text in the standard or the URL alphabet, with or without padding, as
/// canonical JSON allows; nullopt for anything else.
std::optional<std::string> bytes_from_base64(std::string_view text);

}  // namespace chat
