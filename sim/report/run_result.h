// RunResult: everything that a run of chatsim found out, from which JSON, HTML and the terminal
// summary are made. Thread rule: plain value.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/time.h"
#include "core/stats/histogram.h"
#include "sim/oracle/oracle.h"
#include "sim/report/gate_board.h"
#include "sim/report/storm_stats.h"
#include "sim/report/time_series.h"
#include "sim/report/virtual_facts.h"
#include "sim/report/window_stats.h"
#include "sim/scenario/action_trace.h"

namespace chat::sim {

struct RunPhase {
  std::string name;
  Duration begin;  ///< After the ramp began; negative for what came before.
  Duration length;
};

/// One step of a ladder.
struct LadderStep {
  double rate_per_s = 0;  ///< Asked.
  WindowStats stats;
  bool valid = false;  ///< The generator kept up, too.
  bool passed = false;
  std::vector<GateResult> gates;
  double generator_cpu_share = 0;  ///< Of one core.
  double server_cpu_share = 0;
};

/// What one side used, over ramp, run and quiet.
struct SideUse {
  double cpu_s = 0;
  uint64_t rss_bytes = 0;   ///< The largest.
  uint64_t bytes_each = 0;  ///< Per connected user, or per connection.
};

struct RunResult {
  static constexpr int kSchemaVersion = 1;

  std::string scenario;
  std::string description;
  uint64_t seed = 0;
  std::string mode = "live";
  std::string run_id;
  std::string target;
  std::string server_version;
  std::string trusted_sources;  ///< Addresses without rate limits, as chatd says.
  WallTime started;
  std::vector<std::string> invalid_reasons;  ///< Empty = valid.
  std::vector<GateResult> gates;
  uint64_t users_asked = 0;
  uint64_t users_peak = 0;
  OracleReport oracle;
  WindowStats totals;  ///< Over the run phase; latencies with those that arrived after it.
  Histogram catch_up;  ///< ns from Welcome to having everything that was missed.
  SideUse generator;
  std::optional<SideUse> server;  ///< nullopt when it could not be sampled.
  uint32_t server_restarts = 0;
  std::optional<StormStats> storm;              ///< When there was one.
  std::optional<VirtualFacts> in_virtual_time;  ///< When the mode is virtual.
  std::vector<RunPhase> phases;
  TimeSeries series;  ///< From the beginning of the ramp on.
  std::vector<LadderStep> ladder;
  std::vector<ActionTrace> traces;  ///< By device; empty when no device acts on its own.
  std::vector<std::string> notes;   ///< What went wrong on connections, and other remarks.

  bool valid() const { return invalid_reasons.empty(); }
  bool gates_passed() const;
  /// The highest step of the ladder that is valid and passed.
  const LadderStep* best_step() const;
  /// The value of a gate metric over the whole run; nullopt when there is none.
  std::optional<double> metric(std::string_view name) const;
};

}  // namespace chat::sim
