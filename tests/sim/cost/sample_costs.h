// Made-up costs and load points with known answers, for the tests of fits and plans.
// Thread rule: pure functions.
#pragma once

#include <vector>

#include "core/base/random.h"
#include "sim/cost/cost_fit.h"

namespace chat::sim {

/// What one of it costs on the made-up machine, in ns.
double sample_cost(Quantity quantity);
/// Load points whose counters move independently, with CPU that is noisy by `noise` (relative).
std::vector<LoadPoint> sample_points(size_t count, double noise, Random& random);
/// A whole table, as a calibration of the made-up machine would find it.
CostTable sample_table();

}  // namespace chat::sim
