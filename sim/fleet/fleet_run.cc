#include "sim/fleet/fleet_run.h"

#include <sys/resource.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <string>

#include "sim/fleet/fleet.h"
#include "sim/report/gate_board.h"

namespace chat::sim {
namespace {

using Clock = std::chrono::steady_clock;

constexpr double kProgressEvery = 0.25;  // s

/// What a run in this depth can say of; a gate on anything else has no value.
constexpr std::array kKnown = {"sent",     "acked",     "expected_deliveries",
                               "not_sent", "delivered", "reconnects"};

double seconds_since(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

WallTime wall_now() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return {std::chrono::duration_cast<std::chrono::milliseconds>(now).count()};
}

void fill(WindowStats& stats, const FleetWindow& window) {
  stats.clear();
  const FleetCounts& counts = window.counts;
  stats.length = window.length;
  stats.users_connected = window.connections;
  stats.sent = stats.acked = counts.sends;
  stats.delivered = window.delivered;
  stats.not_sent = counts.not_sent;
  stats.reconnects = counts.devices_replaced + counts.sessions_resumed;
}

VirtualFacts facts_of(const Fleet& fleet, const FleetOptions& options, double wall_s) {
  const FleetCounts& counts = fleet.totals().counts;
  VirtualFacts facts;
  facts.depth = "fleet";
  facts.threads = options.threads;
  facts.wall_s = wall_s;
  facts.simulated_s = fleet.simulated().seconds();
  facts.users = options.scenario.users;
  facts.peak_concurrent = fleet.connections_peak();
  facts.heartbeats = counts.heartbeats;
  facts.occurrences = fleet.occurrences();
  facts.bytes_per_user =
      static_cast<double>(fleet.memory_bytes()) / static_cast<double>(options.scenario.users);
  facts.digest = fleet.digest();
  for (const FleetCounts::Field& field : FleetCounts::fields()) {
    facts.counters.emplace_back(field.name, counts.*field.value);
  }
  facts.counters.emplace_back("presence_pushed", fleet.totals().presence_pushed);
  facts.counters.emplace_back("users_online_peak", fleet.users_online_peak());
  facts.counters.emplace_back("devices", fleet.devices());
  facts.ran = {"every heartbeat of every device, by core's heartbeat schedule",
               "silence of sessions, by core's presence wheel",
               "the pace of accepts and reconnect windows, by core's admission",
               "homes of users, by core's ring",
               "every session, drop, sleep, send and read of every device's plan",
               "graces and edges of presence, by the rules of the protocol"};
  facts.modelled = {
      "codec, WebSockets, session machine, flow control and store: not run",
      "network: no delay; a broken link is noticed at once, a silent one by the wheel",
      "devices connect to the engine that is their user's home",
      "chats: only their sizes; deliveries are counted by the share of users online a window ago",
      "watchers: changes told are counted by the share of users online a window ago",
      "rate limits of users: not run; a plan sends ten times per second at most"};
  return facts;
}

void add_process(RunResult& result) {
  rusage use{};
  getrusage(RUSAGE_SELF, &use);
  const auto s = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  result.generator.cpu_s = s(use.ru_utime) + s(use.ru_stime);
  result.generator.rss_bytes = static_cast<uint64_t>(use.ru_maxrss) * 1'024;
}

RunResult begin_result(const Scenario& scenario) {
  RunResult result;
  result.scenario = scenario.name;
  result.description = scenario.description;
  result.seed = scenario.seed;
  result.mode = "virtual";
  result.target = "virtual time";
  result.started = wall_now();
  result.users_asked = scenario.users;
  result.series = TimeSeries(static_cast<uint32_t>(scenario.fleet.window.ns / seconds(1).ns));
  return result;
}

void finish_result(RunResult& result, const Fleet& fleet, const GateBoard& gates) {
  result.users_peak = fleet.connections_peak();
  result.run_id = std::to_string(fleet.digest() % 100'000'000);
  OracleCounts& counts = result.oracle.counts;
  counts.sent = counts.acked = result.totals.sent;
  counts.expected_deliveries = fleet.totals().counts.recipients;
  counts.delivered = result.totals.delivered;
  counts.not_sent = result.totals.not_sent;
  result.generator.bytes_each = static_cast<uint64_t>(result.in_virtual_time->bytes_per_user);
  result.phases = {{"run", {}, fleet.simulated()}};
  result.gates = gates.finish(
      [&](std::string_view name) -> std::optional<double> {
        const bool known = std::find(kKnown.begin(), kKnown.end(), name) != kKnown.end() ||
                           name.starts_with("virtual.") || name.starts_with("users.") ||
                           name.starts_with("rate.");
        return known ? result.metric(name) : std::nullopt;
      },
      result.valid());
}

Status needs_day(const Scenario& scenario) {
  if (scenario.day.any()) return {};
  return make_error(ErrorCode::invalid_argument,
                    "the depth fleet needs a day: set day.sessions.per_day");
}

}  // namespace

Result<RunResult> run_fleet(const FleetOptions& options) {
  if (Status day = needs_day(options.scenario); !day) return day.error();
  RunResult result = begin_result(options.scenario);
  const auto begin = Clock::now();
  Fleet fleet(options.scenario, options.threads);
  GateBoard gates(options.scenario.gates);
  const double drawn_s = seconds_since(begin);
  const Duration length = options.scenario.run_length();
  WindowStats stats;
  double told_s = 0;
  while (!fleet.is_over() && (options.stop == nullptr || !*options.stop)) {
    fill(stats, fleet.run_window());
    result.series.add(stats, {}, std::nullopt);
    result.totals.merge(stats);
    gates.add_second(stats);
    if (options.digests != nullptr) options.digests->push_back(fleet.digest());
    const double now_s = seconds_since(begin);
    if (!options.progress || now_s < told_s + kProgressEvery) continue;
    told_s = now_s;
    const double done = fleet.simulated().seconds();
    options.progress(
        {.done = fleet.simulated(),
         .length = length,
         .users_online = fleet.totals().users_online,
         .heartbeats_per_s = static_cast<double>(fleet.totals().counts.heartbeats) / now_s,
         .elapsed_s = now_s,
         .left_s = (now_s - drawn_s) * (length.seconds() - done) / done});
  }
  if (!fleet.is_over()) {
    result.invalid_reasons.push_back("partial: stopped after " +
                                     std::to_string(fleet.simulated().ms() / 1'000) + " s of " +
                                     std::to_string(length.ms() / 1'000) + " s of virtual time");
  }
  for (const std::string& section : virtual_sections(options.scenario)) {
    result.notes.push_back(section + ": left out, only the depth exact has it");
  }
  result.in_virtual_time = facts_of(fleet, options, seconds_since(begin));
  add_process(result);
  finish_result(result, fleet, gates);
  return result;
}

Result<bool> check_fleet_determinism(const FleetOptions& options,
                                     const std::vector<uint64_t>& digests) {
  if (Status day = needs_day(options.scenario); !day) return day.error();
  Fleet second(options.scenario, options.threads + 1);
  for (const uint64_t digest : digests) {
    if (options.stop != nullptr && *options.stop) return false;
    if (second.is_over()) break;
    const Duration begin = second.simulated();
    second.run_window();
    if (second.digest() == digest) continue;
    return make_error(ErrorCode::internal, "two runs differ first between " +
                                               std::to_string(begin.ms() / 1'000) + " s and " +
                                               std::to_string(second.simulated().ms() / 1'000) +
                                               " s of virtual time");
  }
  return true;
}

}  // namespace chat::sim
