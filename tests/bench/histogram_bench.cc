// The histogram: recording a latency, and merging and reading one for a report.
#include <benchmark/benchmark.h>

#include <vector>

#include "core/base/random.h"
#include "core/stats/histogram.h"

namespace chat {
namespace {

std::vector<int64_t> latencies() {
  Random random(1);
  std::vector<int64_t> out(4'096);
  for (int64_t& value : out) value = static_cast<int64_t>(random.exponential(5e6));
  return out;
}

void BM_HistogramRecord(benchmark::State& state) {
  const std::vector<int64_t> values = latencies();
  Histogram histogram;
  size_t i = 0;
  for (auto _ : state) histogram.record(values[i++ % values.size()]);
  benchmark::DoNotOptimize(histogram.count());
  state.SetItemsProcessed(state.iterations());
  state.counters["bytes"] = static_cast<double>(Histogram::memory_bytes());
}
BENCHMARK(BM_HistogramRecord);

void BM_HistogramMergeAndPercentile(benchmark::State& state) {
  Histogram part, all;
  for (const int64_t value : latencies()) part.record(value);
  for (auto _ : state) {
    all.merge(part);
    benchmark::DoNotOptimize(all.percentile(99.9));
  }
}
BENCHMARK(BM_HistogramMergeAndPercentile);

}  // namespace
}  // namespace chat
