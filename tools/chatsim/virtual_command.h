// `chatsim run --virtual`: runs a scenario in virtual time, without a chatd.
// Thread rule: one call per process.
#pragma once

#include "core/base/error.h"
#include "sim/report/run_result.h"
#include "tools/chatsim/command_line.h"

namespace chat::sim {

/// Runs it, tells its progress on standard error, and, if the line asks for it, once more to
/// compare. Errors: invalid_argument when the scenario does not go with virtual time; internal when
/// the two runs differ.
Result<RunResult> run_virtual(const CommandLine& line, const Scenario& scenario);

}  // namespace chat::sim
