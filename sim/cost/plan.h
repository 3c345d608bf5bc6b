// Plan: what a day needs in servers, cores, memory, network, storage, notifications and money, from
// a DayLoad, a CostTable and a PriceList. Each figure has a 95 % interval in two parts: behaviour
// (how much days of other seeds differ) and cost (how well the costs are known). It says where it
// goes beyond what the costs were measured for. Thread rule: plain values and pure functions.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/error.h"
#include "core/policy/admission.h"
#include "sim/cost/cost_table.h"
#include "sim/cost/day_load.h"
#include "sim/cost/price_list.h"

namespace chat::sim {

struct Interval {
  double low = 0;
  double high = 0;
};

struct Figure {
  std::string name;  ///< "servers.chatd", "network.peak_hour" …
  std::string unit;  ///< "", "cores", "bytes", "bit/s", "s", "EUR" …
  double value = 0;
  Interval behaviour, cost, both;
  bool beyond = false;  ///< It rests on costs outside of what the table was measured for.
};

struct PlanOptions {
  uint32_t zones = 3;       ///< Of each region, equally loaded; 1 = a zone cannot be lost.
  bool gateways = false;    ///< Session role and home role on servers of their own.
  double cpu_target = 0.7;  ///< Shares of a machine that are used at the busiest time.
  double memory_target = 0.8;
  double network_target = 0.7;
  uint32_t storage_copies = 1;
  AdmissionOptions admission{.accepts_per_second = 5'000, .accepts_burst = 5'000};
  std::string machine;         ///< Of the price list; empty = the one that makes it cheapest.
  uint32_t draws = kDrawsMin;  ///< From the covariance of the costs.
  uint64_t seed = 1;           ///< Of draws and storms.
  double sample_share = 0.01;  ///< Of the users that are in each of the samples.

  static constexpr uint32_t kDrawsMin = 200;
  static constexpr size_t kSamplesMin = 8;
};

/// One line of a what-if table: another day, another machine, or both.
struct WhatIf {
  std::string label;
  DayLoad day;          ///< Without regions: the day of the plan.
  std::string machine;  ///< Empty: as in the plan.
};

struct PlanInput {
  const DayLoad& day;
  /// The same day of other seeds and of a share of the users, scaled() to all of them.
  const std::vector<DayLoad>& samples;
  const CostTable& costs;
  const PriceList& prices;
  std::vector<WhatIf> what_ifs;
};

struct RegionPlan {
  std::string name;
  double peak_hour_h = 0;  ///< UTC, at which the hour with the most users begins.
  std::string limit;       ///< What decides the number of servers: "cpu", "memory" …
  std::vector<Figure> figures;
};

/// A row has the figures of the whole plan. Its behaviour part is as wide, relatively, as the
/// plan's.
struct PlanRow {
  std::string label;
  std::string machine;
  std::vector<Figure> figures;
};

/// For the plots: what the servers of all regions have to do in one window.
struct DayPoint {
  double hour = 0;
  double users = 0, cores = 0, memory_bytes = 0, network_bits_per_s = 0, pushes_per_s = 0;
  std::vector<double> users_by_region;
};

struct Plan {
  std::string name;
  uint64_t seed = 0;
  MachineType machine;
  std::string currency;
  std::string costs;  ///< Machine, build and date of the cost table, for people.
  PlanOptions options;
  std::vector<Figure> figures;
  std::vector<RegionPlan> regions;
  std::vector<PlanRow> what_ifs;
  std::vector<DayPoint> day;
  std::vector<std::string> notes;  ///< What it rests on, and where it goes beyond the table.

  /// nullptr when there is none.
  const Figure* figure(std::string_view figure_name) const;
};

/// Errors: invalid_argument for a day, prices or options that make no sense, too few samples or
/// draws, a machine that is unknown or too small for chatd itself.
Result<Plan> make_plan(const PlanInput& input, const PlanOptions& options);

}  // namespace chat::sim
