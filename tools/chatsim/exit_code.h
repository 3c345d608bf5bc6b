// The exit codes of chatsim. Documented in its --help; frozen.
// Thread rule: constants.
#pragma once

namespace chat::sim {

enum class ExitCode : int {
  ok = 0,
  gates_failed = 1,
  usage = 2,        ///< Wrong arguments, or a scenario that is wrong.
  invalid_run = 3,  ///< chatsim itself was the limit, or could not judge.
  unreachable = 4,  ///< There is no chatd at the target.
};

}  // namespace chat::sim
