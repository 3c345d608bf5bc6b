// ExactRun: a scenario in virtual time in the depth exact: real engines, client sessions and bytes;
// networks, disks and processors are models. The same seed gives the same run. Reads a clock only
// to say how long it took. Thread rule: uses the calling thread.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <vector>

#include "core/base/error.h"
#include "sim/crowd/scenario_run.h"
#include "sim/report/run_result.h"
#include "sim/scenario/scenario.h"

namespace chat::sim {

struct ExactOptions {
  Scenario scenario;
  ProgressHandler progress;
  const std::atomic<bool>* stop = nullptr;  ///< Set: the run ends early, its result is partial.
};

/// What a run did, for comparing it with another one.
struct ExactTrace {
  /// Once a second: how far the run was, and a digest of every byte that engines put out till then.
  struct Mark {
    std::string phase;
    Duration done;
    uint64_t digest = 0;
    bool operator==(const Mark&) const = default;
  };
  std::vector<Mark> marks;
  std::string result;  ///< As JSON, without what this machine was like meanwhile.
};

/// Errors: invalid_argument when the scenario asks for what this depth does not have.
/// `trace`: filled if given.
Result<RunResult> run_exact(const ExactOptions& options, ExactTrace* trace = nullptr);

/// Runs it again and compares; false when it was stopped before it could say. Errors: internal that
/// names the first difference; as run_exact() else.
Result<bool> check_exact_determinism(const ExactOptions& options, const ExactTrace& first);

}  // namespace chat::sim
