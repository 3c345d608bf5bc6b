// Heartbeats: what one sign of life costs, alone and with the schedule and the sweep around it.
#include <benchmark/benchmark.h>

#include <numeric>
#include <utility>
#include <vector>

#include "core/base/random.h"
#include "core/presence/heartbeat_schedule.h"
#include "core/presence/presence_wheel.h"

namespace chat {
namespace {

constexpr uint32_t kInterval = 300;  // 30 s in ticks of 100 ms
constexpr uint32_t kTimeout = 750;
constexpr uint32_t kTurn = 1'024;

std::vector<uint32_t> shuffled_slots(uint32_t users) {
  std::vector<uint32_t> slots(users);
  std::iota(slots.begin(), slots.end(), 0);
  Random random(1);
  for (uint32_t i = users; i > 1; --i) std::swap(slots[i - 1], slots[random.below(i)]);
  return slots;
}

void BM_PresenceRefresh(benchmark::State& state) {
  const auto users = static_cast<uint32_t>(state.range(0));
  PresenceWheel wheel(kTimeout);
  wheel.reserve(users);
  for (uint32_t slot = 0; slot < users; ++slot) wheel.add(slot, slot % kInterval);
  const std::vector<uint32_t> slots = shuffled_slots(users);
  const uint32_t turn = std::min(users, kTurn);
  uint32_t at = 0, tick = kInterval;
  for (auto _ : state) {
    if (at + turn > users) {
      at = 0;
      ++tick;
    }
    wheel.refresh(std::span(slots).subspan(at, turn), tick);
    at += turn;
    benchmark::ClobberMemory();
  }
  state.SetItemsProcessed(state.iterations() * turn);
  state.counters["bytes_per_user"] = wheel.bytes_per_slot();
}
BENCHMARK(BM_PresenceRefresh)->Arg(1'000)->Arg(1'000'000)->Arg(10'000'000);

// One tick of a fleet: who is due, their refresh, and the sweep.
void BM_FleetHeartbeat(benchmark::State& state) {
  const auto users = static_cast<uint32_t>(state.range(0));
  HeartbeatSchedule schedule(kInterval);
  PresenceWheel wheel(kTimeout);
  schedule.reserve(users);
  wheel.reserve(users);
  Random random(1);
  for (const uint32_t slot : shuffled_slots(users)) {
    schedule.add(slot, 0, random);
    wheel.add(slot, 0);
  }
  std::vector<uint32_t> due, expired;
  uint32_t tick = 0;
  int64_t heartbeats = 0;
  for (auto _ : state) {
    ++tick;
    due.clear();
    schedule.next(tick, due);
    wheel.refresh(due, tick);
    wheel.sweep(tick, expired);
    heartbeats += static_cast<int64_t>(due.size());
  }
  if (!expired.empty()) state.SkipWithError("a user who sends heartbeats was lost");
  state.SetItemsProcessed(heartbeats);
  state.counters["bytes_per_user"] = wheel.bytes_per_slot() + schedule.bytes_per_slot();
}
BENCHMARK(BM_FleetHeartbeat)->Arg(1'000)->Arg(1'000'000)->Arg(10'000'000);
// As shards of a fleet on two cores: each has what fits into its cache.
BENCHMARK(BM_FleetHeartbeat)
    ->Name("BM_FleetHeartbeat/shards")
    ->Arg(40'000)
    ->Threads(2)
    ->UseRealTime();

}  // namespace
}  // namespace chat
