// The depth fleet: what a heartbeat costs with everything around it, and how much memory a user
// takes. A whole day of users, some 400,000 per engine; the arguments are the number of users and
// that of threads.
#include <benchmark/benchmark.h>

#include <algorithm>

#include "sim/fleet/fleet.h"

namespace chat::sim {
namespace {

Scenario day_of(uint32_t users) {
  Scenario scenario;
  scenario.name = "day";
  scenario.users = users;
  scenario.duration = seconds(24 * 3600);
  scenario.chats = {
      .direct_per_user = 10, .groups = 1'000, .group_size = {.min = 3, .max = 100, .skew = 1}};
  Day& day = scenario.day;
  day.sessions = {.per_day = 9, .brief = minutes(2), .longer = minutes(20), .longer_share = 0.25};
  day.second_device_share = 0.2;
  day.mobile_share = 0.8;
  day.sends_per_hour = 20;
  day.reads_per_hour = 10;
  day.drops = {.per_hour = 2, .clean_share = 0.2, .silent_share = 0.5};
  day.sleeps = {.per_hour = 1};
  day.watchers = 20;
  scenario.fleet.engines = std::max(2u, users / 400'000);
  return scenario;
}

void BM_FleetDay(benchmark::State& state) {
  const Scenario scenario = day_of(static_cast<uint32_t>(state.range(0)));
  uint64_t heartbeats = 0, bytes = 0;
  for (auto _ : state) {
    Fleet fleet(scenario, static_cast<uint32_t>(state.range(1)));
    while (!fleet.is_over()) fleet.run_window();
    heartbeats += fleet.totals().counts.heartbeats;
    bytes = fleet.memory_bytes();
  }
  state.SetItemsProcessed(static_cast<int64_t>(heartbeats));
  state.counters["bytes_per_user"] = static_cast<double>(bytes) / scenario.users;
}
BENCHMARK(BM_FleetDay)
    ->Args({800'000, 1})
    ->Args({800'000, 2})
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime();

}  // namespace
}  // namespace chat::sim
