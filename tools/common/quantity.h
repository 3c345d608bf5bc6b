// Quantities as people write them in configuration files and flags: durations ("250ms", "5m"),
// sizes ("64KiB"), whole numbers and yes/no, and the search for the name that somebody probably
// meant. One spelling for every tool. Pure functions, no state; callable from any thread.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "core/base/error.h"
#include "core/base/time.h"

namespace chat {

/// The duration of e.g. "500us", "250ms", "30s", "5m", "2h", "7d" or "1.5s"; a unit is needed
/// except for "0". Error invalid_argument says what was expected.
Result<Duration> parse_duration(std::string_view text);
/// The shortest exact spelling that parse_duration() reads back.
std::string format_duration(Duration duration);

/// The bytes of e.g. "64KiB", "8MiB", "1GiB", "10MB" or "512".
Result<uint64_t> parse_bytes(std::string_view text);
/// The shortest exact spelling that parse_bytes() reads back.
std::string format_bytes(uint64_t bytes);

/// A whole decimal number; "_" may separate digits ("1_000_000").
Result<int64_t> parse_integer(std::string_view text);
/// true/false, yes/no, on/off.
Result<bool> parse_boolean(std::string_view text);
/// A finite decimal number.
Result<double> parse_number(std::string_view text);

/// " (did you mean \"x\"?)" or, when nothing is close, " (known: a, b, c)".
std::string suggestion(std::string_view name, std::span<const std::string> known);

}  // namespace chat
