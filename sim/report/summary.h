// The terminal form of a result: one page.
// Owns nothing and prints nothing itself. Thread rule: pure functions.
#pragma once

#include <string>

#include "sim/report/run_result.h"

namespace chat::sim {

/// `colour`: with ANSI colours, for terminals.
std::string summary(const RunResult& result, bool colour);

}  // namespace chat::sim
