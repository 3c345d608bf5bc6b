// Stamp: what a simulated message says about itself, in the first characters of its text: which run
// and sender it is from, and when it was due and written. So a receiver on the same clock measures
// a delivery without any look-up. Thread rule: pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/base/time.h"

namespace chat::sim {

struct Stamp {
  uint32_t run = 0;
  uint32_t sender = 0;  ///< Index of the user.
  uint32_t n = 0;       ///< Of the user's plan; unique with the sender.
  Instant intended;
  Instant actual;  ///< The first attempt.
  bool operator==(const Stamp&) const = default;
};

/// A text of `bytes` (at least kTextBytesMin) that begins with the stamp. The same stamp gives the
/// same text, so that a repeated send has the same content.
std::string stamped_text(const Stamp& stamp, uint32_t bytes);
/// The stamp of a text; nullopt when it has none.
std::optional<Stamp> read_stamp(std::string_view text);

}  // namespace chat::sim
