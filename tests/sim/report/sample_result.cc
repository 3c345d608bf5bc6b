#include "tests/sim/report/sample_result.h"

#include <cmath>

#include "core/base/random.h"

namespace chat::sim {
namespace {

WindowStats sample_second(int t, int length_s, Random& random) {
  const bool slow = t > length_s / 2 && t < length_s / 2 + 5;
  WindowStats second;
  second.length = seconds(1);
  second.users_connected = static_cast<uint64_t>(std::min(t, 10)) * 200 - random.below(60);
  if (t == 0) second.users_connected = 90;
  if (t < 10 || t >= length_s - 10) return second;
  second.sent = 180 + random.below(60);
  second.acked = second.sent;
  second.delivered = second.sent * 6;
  second.reconnects = random.below(20);
  for (uint64_t i = 0; i < second.delivered; ++i) {
    const auto service = static_cast<int64_t>(1'500'000 + random.exponential(4e6));
    const int64_t wait = slow ? static_cast<int64_t>(random.exponential(3e8)) : 0;
    second.service.record(service);
    second.response.record(service + wait);
    if (service + wait > 1'000'000'000) ++second.late;
  }
  for (uint64_t i = 0; i < second.sent; ++i) {
    second.lag.record(static_cast<int64_t>(random.exponential(4e5)));
  }
  return second;
}

void add_verdicts(RunResult& result) {
  OracleCounts& counts = result.oracle.counts;
  counts.sent = result.totals.sent;
  counts.acked = result.totals.acked;
  counts.expected_deliveries = counts.delivered = result.totals.delivered + 412;
  counts.late = result.totals.late;
  counts.edits = {.sent = 40, .acked = 40, .refused = 0};
  counts.deletions = {.sent = 20, .acked = 20, .refused = 0};
  counts.reactions = {.sent = 90, .acked = 88, .refused = 2};
  counts.tombstones = 61;
  counts.leaves = 5;
  result.oracle.examples = {{Finding::late, "user 17, chat 80aa, seq 4: 1.2 s"}};
  result.gates = {{"lost == 0", 0, true, 0, 0},
                  {"latency.response.p99 < 250ms in every 10s window, 1 miss allowed",
                   result.totals.metric("latency.response.p99"), true, 6, 1}};
}

}  // namespace

RunResult sample_result(int length_s) {
  RunResult result;
  result.scenario = "sample";
  result.description = "a made-up run";
  result.seed = 7;
  result.run_id = "00c0ffee";
  result.target = "127.0.0.1";
  result.server_version = "0.1.0";
  result.started = {1'767'225'600'000};
  result.users_asked = result.users_peak = 2'000;
  Random random(1);
  for (int t = 0; t < length_s; ++t) {
    const WindowStats second = sample_second(t, length_s, random);
    const ProcessSample generator{.cpu_s = 0.2 + random.unit() * 0.1,
                                  .rss_bytes = 30'000'000 + static_cast<uint64_t>(t) * 50'000};
    ProcessSample server{.cpu_s = 0.35 + random.unit() * 0.2,
                         .rss_bytes = 60'000'000 + static_cast<uint64_t>(t) * 200'000};
    result.series.add(second, generator, t == length_s / 3 ? std::nullopt : std::optional(server));
    result.totals.merge(second);
    result.catch_up.record(20'000'000 + t * 100'000);
  }
  result.generator = {.cpu_s = 19.5, .rss_bytes = 34'000'000, .bytes_each = 812};
  result.server = SideUse{.cpu_s = 38.1, .rss_bytes = 76'000'000, .bytes_each = 7'900};
  result.phases = {{"prepare", seconds(-3), seconds(3)},
                   {"ramp", seconds(0), seconds(10)},
                   {"run", seconds(10), seconds(length_s - 20)},
                   {"quiet", seconds(length_s - 10), seconds(10)}};
  StormStats& storm = result.storm.emplace();
  storm.at = seconds(12);
  storm.dropped = 2'000;
  for (int i = 0; i < 2'000; ++i) {
    storm.welcomed(milliseconds(2 * i));
    storm.recovered_after(milliseconds(2 * i + 30));
  }
  result.in_virtual_time = VirtualFacts{.depth = "fleet",
                                        .threads = 2,
                                        .wall_s = 3.5,
                                        .simulated_s = 86'400,
                                        .users = 2'000,
                                        .peak_concurrent = 190,
                                        .heartbeats = 240'000,
                                        .occurrences = 400'000,
                                        .bytes_per_user = 36.5,
                                        .digest = 0xc0ffee,
                                        .counters = {{"heartbeats", 240'000}, {"sends", 9'000}},
                                        .ran = {"the ring"},
                                        .modelled = {"the network: none"}};
  result.trusted_sources = "127.0.0.1";
  add_verdicts(result);
  result.notes = {"closed by the server with code 4002"};
  LadderStep step;
  step.rate_per_s = 100;
  step.stats = result.totals;
  step.valid = step.passed = true;
  result.ladder = {step};
  result.traces.resize(2'000);
  for (uint32_t n = 1; n <= 3; ++n) result.traces[0].add({.at = seconds(n), .n = n, .chat = 5});
  return result;
}

}  // namespace chat::sim
