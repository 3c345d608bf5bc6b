// RuntimeLimits: the limits that an operator may change while engines run, and their names.
// One table gives each field its name, its text form and its range; options of chatd, the admin
// port and chatctl all go through it. It limits nothing itself. Thread rule: plain values.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/error.h"

namespace chat {

/// The numbers are v1::PresenceMode's.
enum class PresenceMode : uint8_t {
  push = 1,   ///< A watch is answered, and changes are pushed.
  fetch = 2,  ///< A watch is answered once.
  off = 3,    ///< A watch is answered without entries.
};

struct RuntimeLimits {
  static constexpr uint32_t kGroupMembersCap = 499;  ///< No limit lets a group grow beyond this.

  PresenceMode presence_mode = PresenceMode::push;
  uint32_t group_members_max = 100;
  uint32_t room_members_max = 20'000;
  uint32_t sends_per_second_user = 100;       ///< Of a user on one engine; 0 = not limited.
  uint32_t sends_per_second_address = 2'000;  ///< Of an address on one engine; 0 = not limited.
  uint32_t sends_per_second_chat = 1'000;     ///< Into a chat; 0 = not limited.
  uint32_t frames_per_second = 100;           ///< Other frames of a connection; 0 = not limited.
  uint32_t accepts_per_second = 5'000;    ///< Connections that an engine takes; 0 = not limited.
  bool attachments_allowed = true;
  std::vector<std::string> trusted_sources;  ///< Addresses that begin so are not limited.

  bool operator==(const RuntimeLimits&) const = default;
};

/// One field of RuntimeLimits by its name, as text.
struct LimitField {
  enum class Kind : uint8_t { number, boolean, text, list };

  std::string_view name;
  std::string_view value;  ///< What a help text calls the value: "N".
  std::string_view help;
  Kind kind;
  /// Error invalid_argument says what is expected.
  Status (*set)(RuntimeLimits& limits, std::string_view text);
  std::string (*get)(const RuntimeLimits& limits);  ///< set() reads it back; a list has commas.
};

std::span<const LimitField> limit_fields();

/// Sets the field of that name. Error invalid_argument: an unknown name, with the nearest known
/// one, or a wrong value.
Status set_limit(RuntimeLimits& limits, std::string_view name, std::string_view text);

}  // namespace chat
