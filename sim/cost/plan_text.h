// The forms of a plan: one screen for a terminal, and JSON with every figure and its interval.
// Thread rule: pure functions.
#pragma once

#include <string>
#include <string_view>

#include "sim/cost/plan.h"

namespace chat::sim {

/// `colour`: with ANSI colours, for terminals.
std::string plan_summary(const Plan& plan, bool colour);
/// One JSON object with a final newline. Every figure is {name, unit, value, low, high,
/// behaviour: [low, high], cost: [low, high], beyond}.
std::string plan_json(const Plan& plan);

/// A value with its unit, short: "1.23 TiB", "45.6 Gbit/s", "12,345".
std::string amount_text(double value, std::string_view unit);

}  // namespace chat::sim
