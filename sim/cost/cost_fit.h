// The fit of a cost table: load points, each with what chatd counted and what it used meanwhile,
// become costs by weighted least squares that are never negative. What the points cannot tell apart
// is refused by name. Thread rule: plain values and pure functions.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "core/base/error.h"
#include "sim/cost/cost_table.h"
#include "sim/cost/quantity.h"

namespace chat::sim {

/// One stretch of steady load. Per second: Quantities has rates, but for levels.
struct LoadPoint {
  std::string name;
  Quantities load;
  double used = 0;       ///< Of the resource: ns or bytes per second, or bytes held.
  double deviation = 1;  ///< Standard deviation of `used`, as far as it is known: the weight.
};

struct FitOptions {
  /// The largest condition index at which terms still count as told apart. Belsley, Kuh and Welsch,
  /// "Regression Diagnostics" (1980), call 30 moderate and 100 strong collinearity.
  double condition_max = 100;
};

/// The costs of a resource. A term that is 0 in every point is not measured; `deviation` is taken
/// as relative between the points, its scale is fitted. Errors: invalid_argument when there are not
/// more points than measured terms, a value makes no sense, or the points are collinear; the text
/// names the terms that move together.
Result<CostFit> fit_costs(Resource resource, std::span<const LoadPoint> points,
                          const FitOptions& options = {});

/// The quantile of Student's distribution for a two-sided interval of 95 %.
double interval_factor(uint32_t degrees_of_freedom);

}  // namespace chat::sim
