// The ring: finding the home of a user and of a chat.
#include <benchmark/benchmark.h>

#include "core/ring/ring.h"

namespace chat {
namespace {

Ring ring_of(int64_t engines) {
  std::vector<EngineRef> refs;
  for (int64_t i = 1; i <= engines; ++i) {
    refs.push_back({EngineId{static_cast<uint64_t>(i)}, Incarnation{1}});
  }
  return Ring(refs);
}

void BM_RingOwnerOfUser(benchmark::State& state) {
  const Ring ring = ring_of(state.range(0));
  uint64_t user = 0;
  for (auto _ : state) benchmark::DoNotOptimize(ring.owner(UserId{++user}));
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(BM_RingOwnerOfUser)->Arg(3)->Arg(100);

void BM_RingOwnerOfChat(benchmark::State& state) {
  const Ring ring = ring_of(state.range(0));
  const ChatId chat = ChatId::named("lobby");
  for (auto _ : state) benchmark::DoNotOptimize(ring.owner(chat));
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(BM_RingOwnerOfChat)->Arg(3)->Arg(100);

void BM_RingBuild(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(ring_of(state.range(0)));
}
BENCHMARK(BM_RingBuild)->Arg(3)->Arg(100);

}  // namespace
}  // namespace chat
