// UTF-8: whether bytes are, and text that is fit to be shown although it quotes what a peer sent.
// Own nothing. Thread rule: pure functions.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace chat {

/// True when the bytes are well-formed UTF-8 (no surrogates, no overlong forms).
bool is_utf8(std::string_view bytes);

/// The text with a question mark in the place of each byte that is no part of a well-formed
/// character, cut before the first character that does not fit into `bytes_max`.
std::string displayable(std::string_view text, size_t bytes_max = std::string_view::npos);

}  // namespace chat
