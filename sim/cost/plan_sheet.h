// PlanSheet: the bare figures of a plan for one day, one set of costs and one machine, without
// intervals: a plan evaluates it for every sample and every draw. Storms are remembered, because
// most draws have the same one. Thread rule: one thread.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <tuple>
#include <vector>

#include "sim/cost/plan.h"
#include "sim/cost/storm_recovery.h"

namespace chat::sim {

/// Which costs a figure rests on, one bit per Resource.
using ResourceSet = uint8_t;
constexpr ResourceSet bit_of(Resource resource) {
  return static_cast<ResourceSet>(1U << static_cast<unsigned>(resource));
}

struct SheetValue {
  std::string name, unit;
  double value = 0;
  ResourceSet rests_on = 0;
  bool whole = false;  ///< A number of machines.
};
using SheetValues = std::vector<SheetValue>;

struct PlanSheet {
  struct Region {
    std::string limit;
    SheetValues values;
  };
  SheetValues values;
  std::vector<Region> regions;

  /// 0 when there is none.
  double value(std::string_view name) const;
};

/// A role that has servers of its own, and what it has to do.
struct ServerRole {
  std::string_view name;
  bool session = false, home = false;

  bool has(Role role) const { return role == Role::session ? session : home; }
};
std::vector<ServerRole> server_roles(const PlanOptions& options);

class SheetMaker {
 public:
  SheetMaker(const PlanOptions& options, const PriceList& prices)
      : options_(options), prices_(prices) {}

  /// The machine must be large enough for chatd itself: check_machine().
  PlanSheet make(const DayLoad& day, const CostTable& costs, const MachineType& machine);

 private:
  struct Need;
  Need need_of(const RegionDay& region, const CostTable& costs, const MachineType& machine,
               const ServerRole& role) const;
  void add_region(const RegionDay& region, const DayLoad& day, const CostTable& costs,
                  const MachineType& machine, PlanSheet& sheet);
  void add_recovery(const RegionDay& region, const CostTable& costs, const MachineType& machine,
                    double servers, SheetValues& values);
  void add_totals(const DayLoad& day, const CostTable& costs, const MachineType& machine,
                  PlanSheet& sheet) const;
  const StormOutcome& storm(const StormCase& storm_case);

  const PlanOptions& options_;
  const PriceList& prices_;
  std::map<std::tuple<uint64_t, uint64_t, uint64_t>, StormOutcome> storms_;
};

/// What one window costs, by the terms of the roles; without the servers' own share.
double use_of(Resource resource, const CostFit& fit, const Quantities& load,
              const ServerRole& role);

/// Errors: invalid_argument when chatd alone fills the machine.
Status check_machine(const PlanOptions& options, const CostTable& costs,
                     const MachineType& machine);

}  // namespace chat::sim
