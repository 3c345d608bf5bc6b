#include "tests/sim/cost/sample_costs.h"

#include <cmath>
#include <numbers>

#include "core/base/assert.h"

namespace chat::sim {
namespace {

double normal(Random& random) {
  return std::sqrt(-2 * std::log(1 - random.unit())) *
         std::cos(2 * std::numbers::pi * random.unit());
}

/// A fit that is right to 2 % in each cost, and was measured up to `highest` of everything.
CostFit known(Resource resource, const std::vector<double>& costs, double highest) {
  CostFit fit = CostFit::none(resource);
  fit.source = "made up";
  fit.costs = costs;
  fit.measured.assign(costs.size(), true);
  fit.highest.assign(costs.size(), highest);
  fit.degrees_of_freedom = 10;
  for (size_t i = 0; i < costs.size(); ++i) {
    fit.covariance[i * costs.size() + i] = std::pow(0.02 * costs[i], 2);
  }
  return fit;
}

}  // namespace

double sample_cost(Quantity quantity) {
  switch (quantity) {
    case Quantity::server:
      return 8e6;
    case Quantity::byte:
      return 2;
    case Quantity::accept:
      return 60'000;
    case Quantity::store_batch:
      return 40'000;
    default:
      return 1'000 + 500 * static_cast<double>(quantity);
  }
}

std::vector<LoadPoint> sample_points(size_t count, double noise, Random& random) {
  std::vector<LoadPoint> points;
  for (size_t i = 0; i < count; ++i) {
    LoadPoint point;
    point.name = "p" + std::to_string(i);
    point.load[Quantity::server] = 1;
    for (const Quantity term : cost_terms(Resource::cpu)) {
      // Each point loads about half of the counters; all then cost about as much.
      if (term != Quantity::server && random.chance(1, 2)) {
        point.load[term] = (0.2 + random.unit()) * 2e7 / sample_cost(term);
      }
      point.used += sample_cost(term) * point.load[term];
    }
    point.deviation = std::max(noise, 1e-9) * point.used;
    point.used += noise * point.used * normal(random);
    points.push_back(std::move(point));
  }
  return points;
}

CostTable sample_table() {
  CostTable table;
  table.machine = "a made-up machine of 2 cores";
  table.cores = 1;
  table.memory_bytes = 24ull << 30;
  table.build = "0.1.0 release";
  table.date = "2026-11-20";
  table.turn_spread = 1.5;
  std::vector<double> cpu;
  for (const Quantity term : cost_terms(Resource::cpu)) cpu.push_back(sample_cost(term));
  table.cpu = known(Resource::cpu, cpu, 1e6);
  table.memory = known(Resource::memory, {60e6, 2'000, 600, 900, 700}, 1e6);
  table.network = known(Resource::network, {1, 120, 2'000}, 1e9);
  table.disk = known(Resource::disk, {40, 1.1}, 1e9);
  CHAT_ASSERT(check_fit(Resource::cpu, table.cpu));
  return table;
}

}  // namespace chat::sim
