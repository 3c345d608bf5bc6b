// ScenarioFile: reads a scenario's YAML form, as docs/scenarios.md describes it, into the struct.
// Tells every mistake at once with its line; unknown keys are refused with the nearest known one.
// Thread rule: pure functions.
#pragma once

#include <string>
#include <string_view>

#include "core/base/error.h"
#include "sim/scenario/scenario.h"

namespace chat::sim {

/// The scenario in `text`; `file` is for messages only. Errors: invalid_argument, one mistake per
/// line of the text.
Result<Scenario> parse_scenario(std::string_view text, const std::string& file);
/// The scenario in a file. Errors as parse_scenario(); not_found when it cannot be read.
Result<Scenario> load_scenario(const std::string& path);

}  // namespace chat::sim
