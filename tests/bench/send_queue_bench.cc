// The send queue: one event of a chat fanned out to 100 connections, taken and acknowledged.
#include <benchmark/benchmark.h>

#include <array>
#include <string>

#include "core/policy/send_queue.h"

namespace chat {
namespace {

constexpr size_t kConnections = 100;

// range(0): how many events come due for each connection in one turn.
void BM_SendQueueFanOut(benchmark::State& state) {
  std::array<SendQueue, kConnections> queues;
  const Instant now = Instant{} + seconds(1);
  for (auto _ : state) {
    for (int64_t i = 0; i < state.range(0); ++i) {
      const auto event = std::make_shared<const std::string>(300, 'x');
      for (SendQueue& queue : queues) queue.push(now, event, SendLane::durable);
    }
    for (SendQueue& queue : queues) {
      benchmark::DoNotOptimize(queue.take());
      queue.sent(now);
    }
  }
  state.SetItemsProcessed(state.iterations() * state.range(0) * static_cast<int64_t>(kConnections));
  state.counters["bytes_per_connection"] = sizeof(SendQueue);
}
BENCHMARK(BM_SendQueueFanOut)->Arg(1)->Arg(10);

}  // namespace
}  // namespace chat
