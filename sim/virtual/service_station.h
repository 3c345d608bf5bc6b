// ServiceStation: a queue before a number of equal servers, first come first served. It knows when
// each server is free next and nothing else: a job's end is known when it arrives. Thread rule:
// plain value.
#pragma once

#include <cstdint>
#include <vector>

#include "core/base/random.h"
#include "core/base/time.h"

namespace chat::sim {

class ServiceStation {
 public:
  explicit ServiceStation(uint32_t servers) : free_at_(servers) {}

  /// When a job is done that arrives at `arrived`, not before the one of the last call, and needs
  /// `service` of one server.
  Instant serve(Instant arrived, Duration service);

 private:
  std::vector<Instant> free_at_;  ///< Of each server; a heap, the earliest first.
};

/// A service time with this mean: `spread` of it exponential, the rest constant. Draws nothing when
/// `spread` is 0.
Duration draw_service(Duration mean, double spread, Random& random);

}  // namespace chat::sim
