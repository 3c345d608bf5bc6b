#include "sim/cost/plan_sheet.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace chat::sim {
namespace {

constexpr double kNsPerSecond = 1e9;
constexpr double kDaysPerMonth = 30;
constexpr double kGib = 1024.0 * 1024 * 1024;
constexpr ServerRole kAllRoles{.name = "chatd", .session = true, .home = true};

constexpr ResourceSet kSizing =
    bit_of(Resource::cpu) | bit_of(Resource::memory) | bit_of(Resource::network);

/// What a machine has for load, beside chatd itself.
double cpu_of(const PlanOptions& options, const CostTable& costs, const MachineType& machine) {
  return machine.cores * kNsPerSecond * options.cpu_target -
         costs.cpu.cost(Resource::cpu, Quantity::server);
}
double memory_of(const PlanOptions& options, const CostTable& costs, const MachineType& machine) {
  return static_cast<double>(machine.memory_bytes) * options.memory_target -
         costs.memory.cost(Resource::memory, Quantity::server);
}

double highest(const RegionDay& region, Resource resource, const CostTable& costs,
               const ServerRole& role) {
  double most = 0;
  for (const LoadWindow& window : region.windows) {
    most = std::max(most, use_of(resource, costs.of(resource), window.load, role));
  }
  return most;
}

/// Both directions, in bytes per second.
double network_of(const CostTable& costs, const Quantities& load) {
  return use_of(Resource::network, costs.network, load, kAllRoles);
}

void add(SheetValues& values, std::string name, std::string unit, double value,
         ResourceSet rests_on, bool whole = false) {
  values.push_back({std::move(name), std::move(unit), value, rests_on, whole});
}

/// Adds the value of the same name, or takes the larger one.
void join(SheetValues& values, const SheetValue& part, bool largest) {
  const auto found = std::ranges::find(values, part.name, &SheetValue::name);
  if (found == values.end()) {
    values.push_back(part);
  } else {
    found->value = largest ? std::max(found->value, part.value) : found->value + part.value;
  }
}

}  // namespace

double use_of(Resource resource, const CostFit& fit, const Quantities& load,
              const ServerRole& role) {
  double sum = 0;
  size_t i = 0;
  for (const Quantity term : cost_terms(resource)) {
    const double cost = fit.costs[i++];
    if (term != Quantity::server && role.has(info_of(term).role)) sum += cost * load[term];
  }
  return sum;
}

std::vector<ServerRole> server_roles(const PlanOptions& options) {
  if (!options.gateways) return {kAllRoles};
  return {{.name = "gateway", .session = true, .home = false},
          {.name = "home", .session = false, .home = true}};
}

Status check_machine(const PlanOptions& options, const CostTable& costs,
                     const MachineType& machine) {
  if (cpu_of(options, costs, machine) > 0 && memory_of(options, costs, machine) > 0) return {};
  return make_error(ErrorCode::invalid_argument,
                    fmt::format("machine \"{}\" is too small: chatd alone, without users, fills "
                                "its share of CPU or memory; take a larger one",
                                machine.name));
}

double PlanSheet::value(std::string_view name) const {
  const auto found = std::ranges::find(values, name, &SheetValue::name);
  return found == values.end() ? 0 : found->value;
}

struct SheetMaker::Need {
  double servers = 1;  ///< Enough, and none to spare; not rounded.
  std::string limit = "cpu";
  double cpu_ns = 0;  ///< At the busiest time, without the servers' own.
  double memory_bytes = 0;
};

SheetMaker::Need SheetMaker::need_of(const RegionDay& region, const CostTable& costs,
                                     const MachineType& machine, const ServerRole& role) const {
  Need need;
  need.cpu_ns = highest(region, Resource::cpu, costs, role);
  need.memory_bytes = highest(region, Resource::memory, costs, role);
  double connections = 0;
  for (const LoadWindow& window : region.windows) {
    connections = std::max(connections, window.load[Quantity::connection]);
  }
  const double connections_max =
      static_cast<double>(options_.admission.connections_max) * machine.cores;
  const std::pair<const char*, double> ratios[] = {
      {"cpu", need.cpu_ns / cpu_of(options_, costs, machine)},
      {"memory", need.memory_bytes / memory_of(options_, costs, machine)},
      {"network", highest(region, Resource::network, costs, role) * 8 /
                      (machine.network_bits_per_s * options_.network_target)},
      {"connections", role.session && connections_max > 0 ? connections / connections_max : 0}};
  need.servers = 0;
  for (const auto& [name, ratio] : ratios) {
    if (ratio <= need.servers) continue;
    need.servers = ratio;
    need.limit = name;
  }
  return need;
}

void SheetMaker::add_region(const RegionDay& region, const DayLoad& day, const CostTable& costs,
                            const MachineType& machine, PlanSheet& sheet) {
  PlanSheet::Region out;
  const size_t begin = peak_hour_begin(region.windows, day.window);
  const LoadWindow hour = hour_of(region.windows, day.window, begin);
  add(out.values, "users.peak_hour", "users", hour.users, 0);
  double largest = -1, session_servers = 0;
  for (const ServerRole& role : server_roles(options_)) {
    const Need need = need_of(region, costs, machine, role);
    const double enough = std::max(1.0, std::ceil(need.servers));
    const double others = options_.zones - 1;
    const double without_zone =
        options_.zones < 2 ? enough
                           : std::max(1.0, std::ceil(need.servers / others)) * options_.zones;
    const std::string name(role.name);
    add(out.values, "servers." + name, "", enough, kSizing, true);
    add(out.values, "servers." + name + ".n_plus_1", "", enough + 1, kSizing, true);
    add(out.values, "servers." + name + ".zone_lost", "", without_zone, kSizing, true);
    const double own_cpu = enough * costs.cpu.cost(Resource::cpu, Quantity::server);
    const double own_memory = enough * costs.memory.cost(Resource::memory, Quantity::server);
    add(out.values, "cores." + name + ".busiest", "cores", (need.cpu_ns + own_cpu) / kNsPerSecond,
        bit_of(Resource::cpu));
    add(out.values, "memory." + name + ".busiest", "bytes", need.memory_bytes + own_memory,
        bit_of(Resource::memory));
    if (need.servers > largest) {
      largest = need.servers;
      out.limit = need.limit;
    }
    if (role.session) session_servers = without_zone;
  }
  add_recovery(region, costs, machine, session_servers, out.values);
  for (const SheetValue& value : out.values) {
    if (value.name == "users.peak_hour") continue;  // Regions have it at different times.
    join(sheet.values, value, value.name.starts_with("recovery."));
  }
  sheet.regions.push_back(std::move(out));
}

const StormOutcome& SheetMaker::storm(const StormCase& storm_case) {
  const std::tuple key(storm_case.kept, storm_case.returning, storm_case.lost_engine);
  const auto found = storms_.find(key);
  if (found != storms_.end()) return found->second;
  Random random = Random(options_.seed).fork("storm");
  return storms_.emplace(key, recover(storm_case, random)).first->second;
}

// The clients of one zone come back to the engines of the others, while these go on.
void SheetMaker::add_recovery(const RegionDay& region, const CostTable& costs,
                              const MachineType& machine, double servers, SheetValues& values) {
  if (options_.zones < 2) return;
  const auto busiest = std::ranges::max_element(
      region.windows, {}, [](const LoadWindow& w) { return w.load[Quantity::connection]; });
  const double connections = busiest->load[Quantity::connection];
  const double lost = connections / options_.zones;
  const double left = servers * (options_.zones - 1) / options_.zones;
  const double engines = left * machine.cores;
  const auto per_engine = static_cast<uint64_t>(connections / (servers * machine.cores));
  const StormOutcome& outcome = storm({.admission = options_.admission,
                                       .kept = per_engine,
                                       .returning = static_cast<uint64_t>(lost / engines),
                                       .lost_engine = per_engine});
  const double busy = use_of(Resource::cpu, costs.cpu, busiest->load, server_roles(options_)[0]);
  const double spare = std::max(0.05 * engines * kNsPerSecond, engines * kNsPerSecond - busy);
  const double handshakes = lost * costs.cpu.cost(Resource::cpu, Quantity::accept) / spare;
  add(values, "recovery.zone_lost", "s", std::max(outcome.recovered.seconds(), handshakes),
      kSizing);
  add(values, "recovery.zone_lost.half", "s", std::max(outcome.median.seconds(), handshakes / 2),
      kSizing);
}

void SheetMaker::add_totals(const DayLoad& day, const CostTable& costs, const MachineType& machine,
                            PlanSheet& sheet) const {
  const std::vector<LoadWindow> windows = all_regions(day);
  const LoadWindow hour = hour_of(windows, day.window, peak_hour_begin(windows, day.window));
  SheetValues first;
  add(first, "users.daily", "users", day.daily_users, 0);
  add(first, "users.peak_hour", "users", hour.users, 0);
  add(first, "connections.peak_hour", "", hour.load[Quantity::connection], 0);
  add(first, "sends.peak_hour", "1/s", hour.load[Quantity::send], 0);
  add(first, "deliveries.peak_hour", "1/s", hour.load[Quantity::delivery], 0);
  add(first, "heartbeats.peak_hour", "1/s", hour.load[Quantity::heartbeat], 0);
  sheet.values.insert(sheet.values.begin(), first.begin(), first.end());

  SheetValues& out = sheet.values;
  const double length_s = day.window.seconds();
  double cpu_ns = 0, network = 0, storage = 0, pushes = 0;
  for (const LoadWindow& window : windows) {
    cpu_ns += length_s * use_of(Resource::cpu, costs.cpu, window.load, kAllRoles);
    network += length_s * network_of(costs, window.load);
    storage += length_s * use_of(Resource::disk, costs.disk, window.load, kAllRoles);
    pushes += length_s * window.pushes_per_s;
  }
  storage *= options_.storage_copies;
  add(out, "cores.peak_hour", "cores",
      use_of(Resource::cpu, costs.cpu, hour.load, kAllRoles) / kNsPerSecond, bit_of(Resource::cpu));
  add(out, "cores.day", "cores", cpu_ns / kNsPerSecond / (24 * 3600), bit_of(Resource::cpu));
  add(out, "network.peak_hour", "bit/s", network_of(costs, hour.load) * 8,
      bit_of(Resource::network));
  add(out, "network.day", "bytes", network, bit_of(Resource::network));
  add(out, "storage.day", "bytes", storage, bit_of(Resource::disk));
  add(out, "pushes.peak_hour", "1/s", hour.pushes_per_s, 0);
  add(out, "pushes.day", "", pushes, 0);

  double machines = 0;
  for (const ServerRole& role : server_roles(options_)) {
    const std::string name = "servers." + std::string(role.name);
    machines += sheet.value(name + (options_.zones < 2 ? ".n_plus_1" : ".zone_lost"));
  }
  // What is stored stays: a month pays for the growth of its days, half a month each at mean.
  const double money = machines * machine.price +
                       storage * kDaysPerMonth / 2 / kGib * prices_.storage_gib_month +
                       network * kDaysPerMonth / kGib * prices_.traffic_out_gib +
                       pushes * kDaysPerMonth / 1e6 * prices_.million_pushes;
  const ResourceSet all = kSizing | bit_of(Resource::disk);
  add(out, "cost.month", prices_.currency, money, all);
  add(out, "cost.per_1000_users", prices_.currency, money / day.daily_users * 1'000, all);
}

PlanSheet SheetMaker::make(const DayLoad& day, const CostTable& costs, const MachineType& machine) {
  PlanSheet sheet;
  for (const RegionDay& region : day.regions) add_region(region, day, costs, machine, sheet);
  add_totals(day, costs, machine, sheet);
  return sheet;
}

}  // namespace chat::sim
