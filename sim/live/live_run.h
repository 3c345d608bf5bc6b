// LiveRun: one run of chatsim against a real chatd, from import to verdict: prepare, ramp, run,
// quiet, audit. Thread rule: run_live() uses the calling thread for the load.
#pragma once

#include <string>

#include "core/base/error.h"
#include "sim/crowd/scenario_run.h"
#include "sim/report/run_result.h"
#include "sim/scenario/scenario.h"

namespace chat::sim {

struct LiveRunOptions {
  Scenario scenario;
  std::string target;  ///< chatd's public URL, or the path of its ready file.
  std::string admin;   ///< URL of the admin port; not needed with a ready file.
  RunWatch watch = {};
};

/// Errors: unavailable (no chatd there), invalid_argument (a target or scenario that cannot be),
/// rate_limited (too few file descriptors for the users), others when the import is refused. A run
/// that has begun always ends in a result.
Result<RunResult> run_live(const LiveRunOptions& options);

}  // namespace chat::sim
