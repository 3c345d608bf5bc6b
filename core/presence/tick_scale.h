// TickScale: instants as 32-bit ticks, for what is kept per connected user.
// The default of 100 ms is fine beside a heartbeat of 30 s, needs 751 buckets for 2.5 intervals and
// lasts 13 years. To be never early, a start rounds up and a check rounds down; so a timeout fires
// up to two ticks late.
#pragma once

#include <cstdint>

#include "core/base/assert.h"
#include "core/base/time.h"

namespace chat {

struct TickScale {
  Duration length = milliseconds(100);

  /// The tick to note for something that happened at `t`.
  uint32_t round_up(Instant t) const { return narrow((t.ns + length.ns - 1) / length.ns); }
  /// The tick to check with at `now`.
  uint32_t round_down(Instant now) const { return narrow(now.ns / length.ns); }
  /// At least this long, in ticks.
  uint32_t span(Duration d) const { return narrow((d.ns + length.ns - 1) / length.ns); }
  /// The first instant whose round_down() is `tick`.
  Instant start_of(uint32_t tick) const { return Instant{} + length * tick; }

 private:
  static uint32_t narrow(int64_t ticks) {
    CHAT_ASSERT(ticks >= 0 && ticks < INT32_MAX);
    return static_cast<uint32_t>(ticks);
  }
};

}  // namespace chat
