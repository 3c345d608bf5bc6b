#include "tools/common/quantity.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <optional>
#include <vector>

#include "core/base/nearest_name.h"

namespace chat {
namespace {

struct Unit {
  std::string_view name;
  int64_t size;
};

// Largest first: format_… takes the first one that divides the value.
constexpr std::array<Unit, 7> kDurationUnits{{{"d", 86'400'000'000'000},
                                              {"h", 3'600'000'000'000},
                                              {"m", 60'000'000'000},
                                              {"s", 1'000'000'000},
                                              {"ms", 1'000'000},
                                              {"us", 1'000},
                                              {"ns", 1}}};
constexpr std::array<Unit, 11> kByteUnits{{{"TiB", int64_t{1} << 40},
                                           {"GiB", 1 << 30},
                                           {"MiB", 1 << 20},
                                           {"KiB", 1 << 10},
                                           {"TB", 1'000'000'000'000},
                                           {"GB", 1'000'000'000},
                                           {"MB", 1'000'000},
                                           {"kB", 1'000},
                                           {"KB", 1'000},
                                           {"B", 1},
                                           {"", 1}}};

Error expected(std::string_view what, std::string_view text) {
  return make_error(ErrorCode::invalid_argument,
                    fmt::format("expected {}, got \"{}\"", what, text));
}

/// Digits with an optional fraction in front of a unit, in units of 1 (the smallest unit).
std::optional<int64_t> scaled(std::string_view text, std::span<const Unit> units) {
  const size_t digits = std::min(text.find_first_not_of("0123456789._"), text.size());
  const auto unit = std::find_if(units.begin(), units.end(),
                                 [&](const Unit& u) { return u.name == text.substr(digits); });
  if (unit == units.end() || digits == 0) return std::nullopt;
  const std::string_view number = text.substr(0, digits);
  if (number.find('.') == std::string_view::npos) {
    const auto whole = parse_integer(number);
    if (!whole || *whole > std::numeric_limits<int64_t>::max() / unit->size) return std::nullopt;
    return *whole * unit->size;
  }
  const auto fraction = parse_number(number);
  if (!fraction) return std::nullopt;
  const double value = *fraction * static_cast<double>(unit->size);
  if (value >= 9.2e18) return std::nullopt;
  return std::llround(value);
}

std::string shortest(int64_t value, std::span<const Unit> units) {
  for (const Unit& unit : units) {
    if (value % unit.size == 0) return fmt::format("{}{}", value / unit.size, unit.name);
  }
  return std::to_string(value);
}

}  // namespace

Result<Duration> parse_duration(std::string_view text) {
  if (text == "0") return Duration{};
  if (const auto ns = scaled(text, kDurationUnits)) return Duration{*ns};
  return expected("a duration such as 250ms, 30s or 5m", text);
}

std::string format_duration(Duration duration) {
  return duration.ns == 0 ? "0" : shortest(duration.ns, kDurationUnits);
}

Result<uint64_t> parse_bytes(std::string_view text) {
  if (const auto bytes = scaled(text, kByteUnits)) return static_cast<uint64_t>(*bytes);
  return expected("a size such as 512, 64KiB or 8MiB", text);
}

std::string format_bytes(uint64_t bytes) {
  constexpr size_t kBinaryUnits = 4;
  if (bytes == 0) return "0";
  for (size_t i = 0; i < kBinaryUnits; ++i) {
    const auto size = static_cast<uint64_t>(kByteUnits[i].size);
    if (bytes % size == 0) return fmt::format("{}{}", bytes / size, kByteUnits[i].name);
  }
  return std::to_string(bytes);
}

Result<int64_t> parse_integer(std::string_view text) {
  std::string digits(text);
  std::erase(digits, '_');
  int64_t value = 0;
  const auto [end, code] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (digits.empty() || text.front() == '_' || code != std::errc{} ||
      end != digits.data() + digits.size()) {
    return expected("a whole number", text);
  }
  return value;
}

Result<bool> parse_boolean(std::string_view text) {
  if (text == "true" || text == "yes" || text == "on") return true;
  if (text == "false" || text == "no" || text == "off") return false;
  return expected("true or false", text);
}

Result<double> parse_number(std::string_view text) {
  double value = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || code != std::errc{} || end != text.data() + text.size() ||
      !std::isfinite(value)) {
    return expected("a number", text);
  }
  return value;
}

std::string suggestion(std::string_view name, std::span<const std::string> known) {
  const std::vector<std::string_view> candidates(known.begin(), known.end());
  const std::string_view near = nearest_name(name, candidates);
  if (!near.empty()) return fmt::format(" (did you mean \"{}\"?)", near);
  return known.empty() ? "" : fmt::format(" (known: {})", fmt::join(known, ", "));
}

}  // namespace chat
