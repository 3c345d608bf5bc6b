// Duration, Instant and WallTime: the three kinds of time, as strong types.
// Core reads no clock: a driver hands an Instant (monotonic, origin of its own choice) and a
// WallTime to every turn. Durations are differences of Instants. WallTime is for display, server_ts
// and expiry dates only.
#pragma once

#include <compare>
#include <cstdint>
#include <limits>

namespace chat {

struct Duration {
  int64_t ns = 0;

  constexpr auto operator<=>(const Duration&) const = default;
  constexpr Duration operator+(Duration other) const { return {ns + other.ns}; }
  constexpr Duration operator-(Duration other) const { return {ns - other.ns}; }
  constexpr Duration operator*(int64_t factor) const { return {ns * factor}; }
  constexpr Duration operator/(int64_t divisor) const { return {ns / divisor}; }
  constexpr int64_t us() const { return ns / 1'000; }
  constexpr int64_t ms() const { return ns / 1'000'000; }
  constexpr double seconds() const { return static_cast<double>(ns) / 1e9; }
};

constexpr Duration nanoseconds(int64_t n) { return {n}; }
constexpr Duration microseconds(int64_t n) { return {n * 1'000}; }
constexpr Duration milliseconds(int64_t n) { return {n * 1'000'000}; }
constexpr Duration seconds(int64_t n) { return {n * 1'000'000'000}; }
constexpr Duration minutes(int64_t n) { return seconds(n * 60); }

/// A point on the driver's monotonic clock, in ns since an origin that is the driver's.
struct Instant {
  int64_t ns = 0;

  constexpr auto operator<=>(const Instant&) const = default;
  constexpr Instant operator+(Duration d) const { return {ns + d.ns}; }
  constexpr Instant operator-(Duration d) const { return {ns - d.ns}; }
  constexpr Duration operator-(Instant other) const { return {ns - other.ns}; }
};

/// Later than every real instant: "no deadline".
inline constexpr Instant kNever{std::numeric_limits<int64_t>::max()};

/// Milliseconds since 1970-01-01 UTC. Never orders anything but equal-purpose stamps.
struct WallTime {
  int64_t ms = 0;

  constexpr auto operator<=>(const WallTime&) const = default;
  constexpr WallTime operator+(Duration d) const { return {ms + d.ms()}; }
};

/// Protocol timers fire on multiples of 10 ms, never early.
constexpr Instant round_up_to_timer_tick(Instant t) {
  constexpr int64_t tick = 10'000'000;
  if (t == kNever) return t;
  return {(t.ns + tick - 1) / tick * tick};
}

}  // namespace chat
