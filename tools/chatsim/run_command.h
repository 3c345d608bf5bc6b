// `chatsim run`: runs a scenario and writes its results.
// Thread rule: one call per process.
#pragma once

#include "tools/chatsim/command_line.h"
#include "tools/chatsim/exit_code.h"

namespace chat::sim {

ExitCode run_scenario(const CommandLine& line);

}  // namespace chat::sim
