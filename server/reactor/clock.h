// The real clocks, read by drivers only: core gets its times from turns.
// Owns nothing. Thread rule: any thread.
#pragma once

#include <time.h>

#include "core/base/time.h"

namespace chat {

inline int64_t clock_nanoseconds(clockid_t clock) {
  timespec now{};
  clock_gettime(clock, &now);
  return int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

/// Since the start of the machine; never decreases.
inline Instant monotonic_now() { return Instant{clock_nanoseconds(CLOCK_MONOTONIC)}; }
inline WallTime wall_now() { return WallTime{clock_nanoseconds(CLOCK_REALTIME) / 1'000'000}; }

}  // namespace chat
