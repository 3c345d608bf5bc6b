// CostTable: what chatd costs on a reference machine, as it was measured: CPU, memory, bytes on the
// network and bytes on the disk, each as a cost per Quantity with the covariance matrix of its fit,
// its residuals, and how far the load points went. tools/chatsim reads and writes its YAML form.
// Thread rule: plain values and pure functions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/error.h"
#include "core/base/random.h"
#include "sim/cost/quantity.h"

namespace chat::sim {

enum class Resource : uint8_t { cpu, memory, network, disk };
inline constexpr Resource kResources[] = {Resource::cpu, Resource::memory, Resource::network,
                                          Resource::disk};

/// "cpu", "memory", "network", "disk".
std::string_view name_of(Resource resource);
/// Of its costs: "ns" or "bytes".
std::string_view unit_of(Resource resource);
/// The quantities that it is made of, in the order of all vectors and matrices below. CPU, network
/// and disk are used by each thing that happens, and CPU by each second of a server; memory is held
/// by levels.
std::span<const Quantity> cost_terms(Resource resource);

/// How well the fit met one load point, per second (CPU, network, disk) or as a level (memory).
struct Residual {
  std::string point;
  double measured = 0;
  double fitted = 0;
};

/// The costs of one resource. All vectors have one entry per term of the resource.
struct CostFit {
  std::string source;              ///< How it was found, for people.
  std::vector<double> costs;       ///< ≥ 0, in unit_of().
  std::vector<bool> measured;      ///< False: no load point moved it, its cost is unknown.
  std::vector<double> covariance;  ///< Row by row; 0 where not measured.
  std::vector<double> highest;     ///< Of the load points: the largest rate per second, or level.
  /// Load points minus costs; 0 = known by definition, without a fit.
  uint32_t degrees_of_freedom = 0;
  std::vector<Residual> residuals;

  /// No cost measured.
  static CostFit none(Resource resource);
  double cost(Resource resource, Quantity term) const;
  /// The standard error of a term's cost.
  double error(size_t term) const;
  /// Σ cost × load.
  double used(Resource resource, const Quantities& load) const;
};

struct CostTable {
  static constexpr int kVersion = 1;

  std::string machine;  ///< In words: processor, disk, what else ran.
  uint32_t cores = 0;   ///< That chatd had.
  uint64_t memory_bytes = 0;
  bool busy_machine = false;  ///< Others used it meanwhile: good for a look, not for a plan.
  std::string build;          ///< Version and kind of build of chatd.
  std::string date;           ///< Of the measurement, "2026-11-20".
  /// Standard deviation of an engine's time per turn ÷ its mean; nullopt when not measured.
  std::optional<double> turn_spread;
  CostFit cpu, memory, network, disk;

  const CostFit& of(Resource resource) const;
  CostFit& of(Resource resource);
};

/// What is wrong with a fit that was read from a file: negative or endless costs, a covariance
/// matrix that is not symmetric or not positive semi-definite. Errors: invalid_argument that names
/// resource and term, with the remedy.
Status check_fit(Resource resource, const CostFit& fit);

/// One possible set of costs, as the covariance says; t-distributed for few degrees of freedom and
/// never negative: as the fit itself, a draw is the nearest point without negative costs.
CostFit draw_fit(const CostFit& fit, Random& random);
/// A table with all its fits drawn.
CostTable draw_costs(const CostTable& table, Random& random);

}  // namespace chat::sim
