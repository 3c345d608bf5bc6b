// Traces: the action traces of a run's devices, all in one figure and as a text with a line for
// each. Two runs of one plan have the same text, live or virtual. Thread rule: pure functions.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "sim/scenario/action_trace.h"

namespace chat::sim {

/// Over all traces.
uint64_t digest_of(const std::vector<ActionTrace>& traces);
uint64_t actions_of(const std::vector<ActionTrace>& traces);
/// Lines of "user device actions hash"; `traces` has the first devices of all users first, then the
/// second ones, …
std::string traces_text(const std::vector<ActionTrace>& traces, uint64_t users);

}  // namespace chat::sim
