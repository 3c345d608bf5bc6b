#include "sim/cost/plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "sim/cost/cost_fit.h"
#include "sim/cost/plan_sheet.h"

namespace chat::sim {
namespace {

/// How much further than the load points a plan may go before it says so.
constexpr double kBeyond = 1.25;

Error wrong(std::string text) { return make_error(ErrorCode::invalid_argument, std::move(text)); }

Status check_options(const PlanOptions& options) {
  for (const double share :
       {options.cpu_target, options.memory_target, options.network_target, options.sample_share}) {
    if (!(share > 0 && share <= 1)) {
      return wrong(fmt::format("{} is no share: expected more than 0, at most 1", share));
    }
  }
  if (options.zones == 0 || options.storage_copies == 0) {
    return wrong("zones and copies of the storage: expected 1 or more");
  }
  if (options.draws < PlanOptions::kDrawsMin) {
    return wrong(fmt::format("{} draws of the costs are too few for an interval: {} at least",
                             options.draws, PlanOptions::kDrawsMin));
  }
  return {};
}

Status check_input(const PlanInput& input, const PlanOptions& options) {
  if (Status checked = check_options(options); !checked) return checked;
  if (Status checked = check_prices(input.prices); !checked) return checked;
  if (Status checked = check_day_load(input.day); !checked) return checked;
  if (input.samples.size() < PlanOptions::kSamplesMin) {
    return wrong(fmt::format("{} samples of the day are too few for an interval: {} at least",
                             input.samples.size(), PlanOptions::kSamplesMin));
  }
  for (const DayLoad& sample : input.samples) {
    if (Status checked = check_day_load(sample); !checked) return checked;
    if (sample.regions.size() != input.day.regions.size()) {
      return wrong(
          fmt::format("the sample of seed {} has other regions than the day", sample.seed));
    }
  }
  std::vector<std::string> machines{options.machine};
  for (const WhatIf& what_if : input.what_ifs) {
    machines.push_back(what_if.machine);
    if (what_if.day.regions.empty()) continue;
    if (Status checked = check_day_load(what_if.day); !checked) return checked;
  }
  for (const std::string& name : machines) {
    const MachineType* machine = input.prices.machine(name);
    if (name.empty()) continue;
    if (machine == nullptr) {
      return wrong(fmt::format("machine \"{}\" is not in the price list", name));
    }
    if (Status checked = check_machine(options, input.costs, *machine); !checked) return checked;
  }
  return {};
}

double quantile(std::vector<double> values, double share) {
  std::ranges::sort(values);
  const double at = share * static_cast<double>(values.size() - 1);
  const auto below = static_cast<size_t>(at);
  if (below + 1 >= values.size()) return values.back();
  const double rest = at - static_cast<double>(below);
  return values[below] * (1 - rest) + values[below + 1] * rest;
}

double deviation(const std::vector<double>& values) {
  double mean = 0, squares = 0;
  for (const double value : values) mean += value / static_cast<double>(values.size());
  for (const double value : values) squares += (value - mean) * (value - mean);
  return std::sqrt(squares / static_cast<double>(values.size() - 1));
}

/// Both parts are independent: their half-widths add as squares, on each side.
Interval joined(double value, const Interval& a, const Interval& b) {
  return {value - std::hypot(value - a.low, value - b.low),
          value + std::hypot(a.high - value, b.high - value)};
}

/// No figure of a plan is negative, and machines are whole.
Interval within_reason(Interval interval, bool whole) {
  interval.low = std::max(0.0, interval.low);
  if (whole) {
    interval.low = std::floor(interval.low + 1e-9);
    interval.high = std::ceil(interval.high - 1e-9);
  }
  return interval;
}

Figure figure_of(const SheetValue& value, const Interval& behaviour, const Interval& cost,
                 ResourceSet beyond) {
  return {.name = value.name,
          .unit = value.unit,
          .value = value.value,
          .behaviour = within_reason(behaviour, value.whole),
          .cost = within_reason(cost, value.whole),
          .both = within_reason(joined(value.value, behaviour, cost), value.whole),
          .beyond = (value.rests_on & beyond) != 0};
}

class Planner {
 public:
  Planner(const PlanInput& input, const PlanOptions& options)
      : input_(input), options_(options), maker_(options_, input.prices) {}

  Result<Plan> make();

 private:
  Status choose_machine();
  void draw();
  void look_beyond();
  void note_beyond(Resource resource, Quantity term, double load, double highest);
  Interval cost_interval(double value, const std::vector<double>& drawn) const;
  std::vector<Figure> figures(const SheetValues& values,
                              const std::vector<const SheetValues*>& samples,
                              const std::vector<const SheetValues*>& drawn) const;
  void add_what_ifs(Plan& plan);
  void add_day(Plan& plan) const;
  void add_notes(Plan& plan) const;

  const PlanInput& input_;
  const PlanOptions& options_;
  SheetMaker maker_;
  const MachineType* machine_ = nullptr;
  PlanSheet sheet_;
  std::vector<CostTable> costs_;  ///< Drawn.
  ResourceSet beyond_ = 0;
  std::vector<std::string> beyond_notes_;
};

Status Planner::choose_machine() {
  double cheapest = 0;
  for (const MachineType& machine : input_.prices.machines) {
    if (!options_.machine.empty() && machine.name != options_.machine) continue;
    if (!check_machine(options_, input_.costs, machine)) continue;
    PlanSheet sheet = maker_.make(input_.day, input_.costs, machine);
    const double price = sheet.value("cost.month");
    if (machine_ != nullptr && price >= cheapest) continue;
    machine_ = &machine;
    cheapest = price;
    sheet_ = std::move(sheet);
  }
  if (machine_ != nullptr) return {};
  return wrong(
      "every machine of the price list is too small: chatd alone, without users, fills it");
}

void Planner::draw() {
  Random random = Random(options_.seed).fork("costs");
  for (uint32_t i = 0; i < options_.draws; ++i) {
    costs_.push_back(draw_costs(input_.costs, random));
  }
}

void Planner::note_beyond(Resource resource, Quantity term, double load, double highest) {
  beyond_ |= bit_of(resource);
  const QuantityInfo& info = info_of(term);
  const char* per = info.level ? "" : "/s";
  beyond_notes_.push_back(
      highest > 0 ? fmt::format("{}: {:.4g} {}{} per server{} were measured up to {:.4g} only",
                                name_of(resource), load, info.name, per,
                                resource == Resource::cpu ? " core" : "", highest)
                  : fmt::format("{}: the cost of {} was not measured and counts as 0, but there "
                                "are {:.4g}{} per server",
                                name_of(resource), info.name, load, per));
}

// A server with everything that its share of the busiest time brings, against the load points.
void Planner::look_beyond() {
  for (const Resource resource : kResources) {
    const CostFit& fit = input_.costs.of(resource);
    const auto terms = cost_terms(resource);
    for (size_t i = 0; i < terms.size(); ++i) {
      if (terms[i] == Quantity::server) continue;
      double most = 0;
      for (size_t region = 0; region < input_.day.regions.size(); ++region) {
        double servers = 0;
        for (const ServerRole& role : server_roles(options_)) {
          if (!role.has(info_of(terms[i]).role)) continue;
          const std::string name = "servers." + std::string(role.name);
          const auto& values = sheet_.regions[region].values;
          servers += std::ranges::find(values, name, &SheetValue::name)->value;
        }
        for (const LoadWindow& window : input_.day.regions[region].windows) {
          most = std::max(most, window.load[terms[i]] / servers);
        }
      }
      if (!fit.measured[i]) {
        if (most > 0) note_beyond(resource, terms[i], most, 0);
      } else if (fit.degrees_of_freedom > 0) {
        const bool per_core = resource == Resource::cpu;
        const double load = per_core ? most / machine_->cores : most;
        const double highest = per_core ? fit.highest[i] / input_.costs.cores : fit.highest[i];
        if (load > kBeyond * highest) note_beyond(resource, terms[i], load, highest);
      }
    }
  }
}

Interval Planner::cost_interval(double value, const std::vector<double>& drawn) const {
  return {std::min(value, quantile(drawn, 0.025)), std::max(value, quantile(drawn, 0.975))};
}

std::vector<Figure> Planner::figures(const SheetValues& values,
                                     const std::vector<const SheetValues*>& samples,
                                     const std::vector<const SheetValues*>& drawn) const {
  const double factor =
      interval_factor(static_cast<uint32_t>(samples.size() - 1)) * std::sqrt(options_.sample_share);
  std::vector<Figure> out;
  for (size_t i = 0; i < values.size(); ++i) {
    std::vector<double> of_samples, of_draws;
    for (const SheetValues* sample : samples) of_samples.push_back((*sample)[i].value);
    for (const SheetValues* draw : drawn) of_draws.push_back((*draw)[i].value);
    const double value = values[i].value;
    // Users behave independently: a sum over all of them spreads less than one over a sample.
    const double half = factor * deviation(of_samples);
    out.push_back(figure_of(values[i], {value - half, value + half}, cost_interval(value, of_draws),
                            beyond_));
  }
  return out;
}

void Planner::add_what_ifs(Plan& plan) {
  for (const WhatIf& what_if : input_.what_ifs) {
    const DayLoad& day = what_if.day.regions.empty() ? input_.day : what_if.day;
    const MachineType& machine =
        what_if.machine.empty() ? *machine_ : *input_.prices.machine(what_if.machine);
    const SheetValues values = maker_.make(day, input_.costs, machine).values;
    std::vector<SheetValues> drawn;
    for (const CostTable& costs : costs_) {
      drawn.push_back(maker_.make(day, costs, machine).values);
    }
    PlanRow row{.label = what_if.label, .machine = machine.name, .figures = {}};
    for (size_t i = 0; i < values.size(); ++i) {
      const Figure& base = plan.figures[i];
      const double value = values[i].value;
      const double ratio = base.value > 0 ? value / base.value : 0;
      std::vector<double> of_draws;
      for (const SheetValues& draw : drawn) of_draws.push_back(draw[i].value);
      row.figures.push_back(figure_of(values[i],
                                      {base.behaviour.low * ratio, base.behaviour.high * ratio},
                                      cost_interval(value, of_draws), beyond_));
    }
    plan.what_ifs.push_back(std::move(row));
  }
}

void Planner::add_day(Plan& plan) const {
  const ServerRole all{.name = "", .session = true, .home = true};
  const CostTable& costs = input_.costs;
  const std::vector<LoadWindow> windows = all_regions(input_.day);
  for (size_t i = 0; i < windows.size(); ++i) {
    const Quantities& load = windows[i].load;
    DayPoint point;
    point.hour = static_cast<double>(i) * input_.day.window.seconds() / 3600;
    point.users = windows[i].users;
    point.cores = use_of(Resource::cpu, costs.cpu, load, all) / 1e9;
    point.memory_bytes = use_of(Resource::memory, costs.memory, load, all);
    point.network_bits_per_s = use_of(Resource::network, costs.network, load, all) * 8;
    point.pushes_per_s = windows[i].pushes_per_s;
    for (const RegionDay& region : input_.day.regions) {
      point.users_by_region.push_back(region.windows[i].users);
    }
    plan.day.push_back(std::move(point));
  }
}

void Planner::add_notes(Plan& plan) const {
  const CostTable& costs = input_.costs;
  if (costs.busy_machine) {
    plan.notes.push_back(
        "the cost table was measured on a machine that others used meanwhile: "
        "good for a look, not for a decision");
  }
  if (machine_->cores != costs.cores) {
    plan.notes.push_back(fmt::format(
        "the costs were measured with {} core{} of: {}; that {} cores of \"{}\" do {:g} "
        "times as much is an assumption",
        costs.cores, costs.cores == 1 ? "" : "s", costs.machine, machine_->cores, machine_->name,
        static_cast<double>(machine_->cores) / costs.cores));
  }
  if (options_.admission.accepts_per_second == 0) {
    plan.notes.push_back("accepts are not paced: the time of recovery is that of the clients");
  }
  plan.notes.insert(plan.notes.end(), beyond_notes_.begin(), beyond_notes_.end());
}

Result<Plan> Planner::make() {
  if (Status checked = check_input(input_, options_); !checked) return checked.error();
  if (Status chosen = choose_machine(); !chosen) return chosen.error();
  draw();
  look_beyond();
  std::vector<PlanSheet> samples, drawn;
  for (const DayLoad& sample : input_.samples) {
    samples.push_back(maker_.make(sample, input_.costs, *machine_));
  }
  for (const CostTable& costs : costs_) {
    drawn.push_back(maker_.make(input_.day, costs, *machine_));
  }
  const auto part = [](const std::vector<PlanSheet>& sheets, auto values_of) {
    std::vector<const SheetValues*> values;
    for (const PlanSheet& sheet : sheets) values.push_back(&values_of(sheet));
    return values;
  };
  Plan plan;
  plan.name = input_.day.name;
  plan.seed = input_.day.seed;
  plan.machine = *machine_;
  plan.currency = input_.prices.currency;
  plan.costs =
      fmt::format("{}, chatd {}, {}", input_.costs.machine, input_.costs.build, input_.costs.date);
  plan.options = options_;
  const auto total = [](const PlanSheet& sheet) -> const SheetValues& { return sheet.values; };
  plan.figures = figures(sheet_.values, part(samples, total), part(drawn, total));
  for (size_t i = 0; i < input_.day.regions.size(); ++i) {
    const RegionDay& region = input_.day.regions[i];
    const auto one = [i](const PlanSheet& sheet) -> const SheetValues& {
      return sheet.regions[i].values;
    };
    const size_t begin = peak_hour_begin(region.windows, input_.day.window);
    plan.regions.push_back(
        {.name = region.name,
         .peak_hour_h = static_cast<double>(begin) * input_.day.window.seconds() / 3600,
         .limit = sheet_.regions[i].limit,
         .figures = figures(one(sheet_), part(samples, one), part(drawn, one))});
  }
  add_what_ifs(plan);
  add_day(plan);
  add_notes(plan);
  return plan;
}

}  // namespace

const Figure* Plan::figure(std::string_view figure_name) const {
  const auto found = std::ranges::find(figures, figure_name, &Figure::name);
  return found == figures.end() ? nullptr : &*found;
}

Result<Plan> make_plan(const PlanInput& input, const PlanOptions& options) {
  return Planner(input, options).make();
}

}  // namespace chat::sim
