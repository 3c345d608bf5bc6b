// FleetRun: runs a scenario's day in the depth fleet and tells it as a result of chatsim.
// Reads a clock only to say how long it took and how far it is. Thread rule: one call at a time.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <vector>

#include "core/base/error.h"
#include "sim/report/run_result.h"
#include "sim/scenario/scenario.h"

namespace chat::sim {

struct FleetProgress {
  Duration done;    ///< Of virtual time,
  Duration length;  ///< of so much.
  uint64_t users_online = 0;
  double heartbeats_per_s = 0;  ///< Of real time.
  double elapsed_s = 0;         ///< Of real time,
  double left_s = 0;            ///< and as it seems.
};

struct FleetOptions {
  Scenario scenario;
  uint32_t threads = 1;
  std::function<void(const FleetProgress&)> progress = {};  ///< Some times per second.
  const std::atomic<bool>* stop = nullptr;   ///< Set: the run ends, its result is partial.
  std::vector<uint64_t>* digests = nullptr;  ///< Gets the digest after each window.
};

/// Errors: invalid_argument when the scenario has no day.
Result<RunResult> run_fleet(const FleetOptions& options);

/// Runs it again, on one thread more, and compares every window with the digests of the first run;
/// false when it was stopped before it could say. Errors: internal that names the first difference;
/// as run_fleet() else.
Result<bool> check_fleet_determinism(const FleetOptions& options,
                                     const std::vector<uint64_t>& digests);

}  // namespace chat::sim
