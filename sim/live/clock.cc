#include "sim/live/clock.h"

#include <ctime>

namespace chat::sim {
namespace {

int64_t read_ns(clockid_t clock) {
  timespec time{};
  clock_gettime(clock, &time);
  return int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

}  // namespace

Instant monotonic_now() { return {read_ns(CLOCK_MONOTONIC)}; }
WallTime wall_now() { return {read_ns(CLOCK_REALTIME) / 1'000'000}; }

}  // namespace chat::sim
