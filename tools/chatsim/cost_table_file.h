// CostTableFile: the YAML form of a cost table, as docs/planning.md describes it: written by
// `chatsim calibrate`, read by people and by `chatsim plan`. Every mistake is told with its line
// and its remedy. Thread rule: pure functions.
#pragma once

#include <string>
#include <string_view>

#include "core/base/error.h"
#include "sim/cost/cost_table.h"

namespace chat::sim {

/// The table in `text`; `file` is for messages only. Errors: invalid_argument, one mistake per line
/// of the text.
Result<CostTable> parse_cost_table(std::string_view text, const std::string& file);
/// The table in a file. Errors as parse_cost_table(); not_found when it cannot be read.
Result<CostTable> load_cost_table(const std::string& path);
/// What parse_cost_table() reads back, with six digits of every number.
std::string cost_table_text(const CostTable& table);

}  // namespace chat::sim
