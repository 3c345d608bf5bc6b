// LiveRun: one run of chatsim against a real chatd, from import to verdict: prepare, ramp, run,
// quiet, audit. Thread rule: run_live() uses the calling thread for the load.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "core/base/error.h"
#include "core/base/time.h"
#include "sim/report/run_result.h"
#include "sim/scenario/scenario.h"

namespace chat::sim {

/// How far a run is; told once a second, and at each new phase.
struct RunProgress {
  std::string phase;
  Duration done;    ///< Of this phase.
  Duration length;  ///< 0 = not known.
  uint64_t users = 0;
  uint64_t users_asked = 0;
  double sent_per_s = 0;
  double delivered_per_s = 0;
  double response_p99_ms = 0;
  std::string detail;  ///< For phases without users.
};

struct LiveRunOptions {
  Scenario scenario;
  std::string target;  ///< chatd's public URL, or the path of its ready file.
  std::string admin;   ///< URL of the admin port; not needed with a ready file.
  std::function<void(const RunProgress&)> progress;
};

/// Errors: unavailable (no chatd there), invalid_argument (a target or scenario that cannot be),
/// rate_limited (too few file descriptors for the users), others when the import is refused. A run
/// that has begun always ends in a result.
Result<RunResult> run_live(const LiveRunOptions& options);

}  // namespace chat::sim
