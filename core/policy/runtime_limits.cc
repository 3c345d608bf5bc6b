#include "core/policy/runtime_limits.h"

#include <algorithm>
#include <charconv>

#include "core/base/nearest_name.h"

namespace chat {
namespace {

using Kind = LimitField::Kind;

constexpr uint32_t kRateMax = 1'000'000;
constexpr std::string_view kModes[] = {"push", "fetch", "off"};

Error expected(const std::string& what, std::string_view text) {
  return make_error(ErrorCode::invalid_argument,
                    "expected " + what + ", got \"" + std::string(text) + "\"");
}

template <uint32_t RuntimeLimits::*field, uint32_t min, uint32_t max>
Status set_number(RuntimeLimits& limits, std::string_view text) {
  uint32_t number = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), number);
  const bool whole = code == std::errc{} && end == text.data() + text.size();
  if (!whole || number < min || number > max) {
    return expected("a whole number from " + std::to_string(min) + " to " + std::to_string(max),
                    text);
  }
  limits.*field = number;
  return {};
}

template <uint32_t RuntimeLimits::*field>
std::string get_number(const RuntimeLimits& limits) {
  return std::to_string(limits.*field);
}

template <uint32_t RuntimeLimits::*field, uint32_t min, uint32_t max>
constexpr LimitField number(std::string_view name, std::string_view help) {
  return {name, "N", help, Kind::number, set_number<field, min, max>, get_number<field>};
}

Status set_mode(RuntimeLimits& limits, std::string_view text) {
  const auto found = std::find(std::begin(kModes), std::end(kModes), text);
  if (found == std::end(kModes)) return expected("push, fetch or off", text);
  limits.presence_mode = static_cast<PresenceMode>(found - std::begin(kModes) + 1);
  return {};
}

std::string get_mode(const RuntimeLimits& limits) {
  return std::string(kModes[static_cast<size_t>(limits.presence_mode) - 1]);
}

Status set_attachments(RuntimeLimits& limits, std::string_view text) {
  if (text != "true" && text != "false") return expected("true or false", text);
  limits.attachments_allowed = text == "true";
  return {};
}

std::string get_attachments(const RuntimeLimits& limits) {
  return limits.attachments_allowed ? "true" : "false";
}

Status set_sources(RuntimeLimits& limits, std::string_view text) {
  std::vector<std::string> sources;
  while (!text.empty()) {
    const size_t comma = std::min(text.find(','), text.size());
    const std::string_view source = text.substr(0, comma);
    const auto in_address = [](char c) {
      return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || c == '.' || c == ':';
    };
    if (source.empty() || !std::all_of(source.begin(), source.end(), in_address)) {
      return expected("beginnings of addresses such as 10.1. or fd00:, separated by commas",
                      source);
    }
    sources.emplace_back(source);
    text.remove_prefix(std::min(comma + 1, text.size()));
  }
  limits.trusted_sources = std::move(sources);
  return {};
}

std::string get_sources(const RuntimeLimits& limits) {
  std::string text;
  for (const std::string& source : limits.trusted_sources) {
    if (!text.empty()) text += ',';
    text += source;
  }
  return text;
}

using L = RuntimeLimits;
constexpr LimitField kFields[] = {
    {"presence_mode", "push|fetch|off", "whether presence is pushed, only told when asked, or not",
     Kind::text, set_mode, get_mode},
    number<&L::group_members_max, 2, L::kGroupMembersCap>("group_members_max",
                                                          "members of a group, never above 499"),
    number<&L::room_members_max, 2, 10'000'000>("room_members_max", "members of a room"),
    number<&L::sends_per_second_user, 0, kRateMax>(
        "sends_per_second_user", "per user and engine, the burst is twice that; 0 = not limited"),
    number<&L::sends_per_second_address, 0, kRateMax>(
        "sends_per_second_address", "per address and engine, likewise; 0 = not limited"),
    number<&L::sends_per_second_chat, 0, kRateMax>("sends_per_second_chat",
                                                   "per chat, likewise; 0 = not limited"),
    number<&L::frames_per_second, 0, kRateMax>(
        "frames_per_second",
        "other frames of a connection, the burst is ten times that; 0 = not limited"),
    number<&L::accepts_per_second, 0, kRateMax>(
        "accepts_per_second",
        "connections an engine takes per second; more are closed with 4005 and come back"),
    {"attachments_allowed", "true|false", "false: a message with an attachment is refused",
     Kind::boolean, set_attachments, get_attachments},
    {"trusted_sources", "PREFIX,…", "addresses that begin so are not limited", Kind::list,
     set_sources, get_sources},
};

}  // namespace

std::span<const LimitField> limit_fields() { return kFields; }

Status set_limit(RuntimeLimits& limits, std::string_view name, std::string_view text) {
  std::vector<std::string_view> names;
  for (const LimitField& field : kFields) {
    names.push_back(field.name);
    if (field.name != name) continue;
    const Status set = field.set(limits, text);
    if (set) return {};
    return make_error(ErrorCode::invalid_argument, std::string(name) + ": " + set.error().text);
  }
  const std::string_view near = nearest_name(name, names);
  std::string text_of = "there is no limit \"" + std::string(name) + "\"";
  if (!near.empty()) text_of += " (did you mean \"" + std::string(near) + "\"?)";
  return make_error(ErrorCode::invalid_argument, std::move(text_of));
}

}  // namespace chat
