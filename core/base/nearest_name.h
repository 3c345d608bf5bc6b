// nearest_name: which of the known names somebody probably meant; for messages about misspelt keys
// and flags. Owns nothing. Thread rule: pure function.
#pragma once

#include <span>
#include <string_view>

namespace chat {

/// The candidate with the smallest edit distance to `name` (ties: the first), or an empty view when
/// even that one differs in more than a third of its letters, at least two.
std::string_view nearest_name(std::string_view name, std::span<const std::string_view> candidates);

}  // namespace chat
