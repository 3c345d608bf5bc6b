// A made-up day of two regions, its samples of other seeds, and prices, for the tests of plans.
// Thread rule: pure functions.
#pragma once

#include <cstdint>
#include <vector>

#include "sim/cost/day_load.h"
#include "sim/cost/price_list.h"
#include "tests/sim/cost/sample_costs.h"

namespace chat::sim {

/// Two regions, twelve hours apart, in windows of 15 minutes. `spread` scales the noise of the
/// seed.
DayLoad sample_day(uint64_t seed, double spread);
/// As samples of 1 % of the users, scaled to all.
std::vector<DayLoad> sample_days(size_t count);
/// One region in which every window is the same.
DayLoad flat_day(double users);
PriceList sample_prices();

}  // namespace chat::sim
