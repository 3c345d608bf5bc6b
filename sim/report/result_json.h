// The JSON form of a result, as reports/run.schema.json describes it.
// Owns nothing. Thread rule: pure functions.
#pragma once

#include <string>

#include "sim/report/run_result.h"

namespace chat::sim {

/// Indented, with a final newline; arrays of plain values stay on one line. Times are in ms or s as
/// the names say; null = there is no value.
std::string result_json(const RunResult& result);

}  // namespace chat::sim
