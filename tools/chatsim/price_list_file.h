// PriceListFile: reads the YAML form of a price list, as docs/planning.md describes it. Every
// mistake is told with its line. Thread rule: pure functions.
#pragma once

#include <string>
#include <string_view>

#include "core/base/error.h"
#include "sim/cost/price_list.h"

namespace chat::sim {

/// The prices in `text`; `file` is for messages only. Errors: invalid_argument, one mistake per
/// line of the text.
Result<PriceList> parse_price_list(std::string_view text, const std::string& file);
/// The prices in a file. Errors as parse_price_list(); not_found when it cannot be read.
Result<PriceList> load_price_list(const std::string& path);

}  // namespace chat::sim
