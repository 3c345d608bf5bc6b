#include "sim/virtual/service_station.h"

#include <algorithm>
#include <functional>

namespace chat::sim {

Instant ServiceStation::serve(Instant arrived, Duration service) {
  std::pop_heap(free_at_.begin(), free_at_.end(), std::greater<>());
  Instant& server = free_at_.back();
  const Instant done = std::max(arrived, server) + service;
  server = done;
  std::push_heap(free_at_.begin(), free_at_.end(), std::greater<>());
  return done;
}

Duration draw_service(Duration mean, double spread, Random& random) {
  if (spread <= 0) return mean;
  const auto ns = static_cast<double>(mean.ns);
  return nanoseconds(static_cast<int64_t>(ns * (1 - spread) + random.exponential(ns * spread)));
}

}  // namespace chat::sim
