// Meter: the figures of a run while it goes on. The driver counts into the current second; each
// finished second goes into the series, the totals, the windows of gates and the step of a ladder.
// It also judges the generator itself: too slow, standing still, or out of CPU means invalid.
// Thread rule: one thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/base/time.h"
#include "sim/crowd/usage.h"
#include "sim/report/gate_board.h"
#include "sim/report/run_result.h"
#include "sim/report/time_series.h"
#include "sim/report/window_stats.h"
#include "sim/scenario/scenario.h"

namespace chat::sim {

class Meter {
 public:
  /// `usage` outlives the meter.
  Meter(const Scenario& scenario, const UsageSource& usage);

  /// The ramp begins: seconds are counted from now on. Before everything else.
  void begin_ramp(Instant now, WallTime wall);

  /// Where the driver counts.
  WindowStats& now() { return second_; }
  Histogram& catch_up() { return catch_up_; }
  /// Ends seconds that are over. `connected` users are connected now.
  void tick(Instant now, WallTime wall, uint64_t connected);
  Instant next_tick() const { return second_begin_ + seconds(1); }

  /// The run phase begins or ends; only its seconds count for gates and totals of rates.
  void begin_run(Instant now);
  void end_run(Instant now);
  /// Whether a step of the ladder has failed, so that the run should end.
  bool ladder_over() const { return ladder_failed_; }

  // -- the generator's own troubles

  /// The loop woke later than it should have.
  void note_wake_up(Duration late);
  /// Out of descriptors or ports, or another reason that makes the run invalid; repeats count once.
  void invalidate(const std::string& reason);

  uint64_t users_peak() const { return users_peak_; }
  /// The last finished second, for the progress line.
  const WindowStats& last_second() const { return last_; }
  /// Moves everything into the result and judges the generator; gates come later.
  void finish(RunResult& result);
  const GateBoard& gates() const { return gates_; }
  const WindowStats& totals() const { return totals_; }

 private:
  void end_second(Instant end, uint64_t connected);
  void cut_second(Instant now);
  void end_step();
  void check_clock(Instant now, WallTime wall);
  void judge_generator();

  const Scenario& scenario_;
  const UsageSource& usage_;
  GateBoard gates_;
  Instant second_begin_;
  WindowStats second_, last_, totals_;
  Histogram catch_up_;
  TimeSeries series_;
  ProcessUse own_before_;
  double own_cpu_at_begin_ = 0;
  uint64_t own_rss_max_ = 0;
  std::optional<ServerSample> server_before_;
  std::optional<ServerSample> server_at_begin_;
  uint64_t server_rss_max_ = 0;
  uint64_t users_peak_ = 0;
  int64_t wall_offset_ms_ = 0;  ///< Wall clock minus monotonic clock.

  bool running_ = false;
  bool run_over_ = false;  ///< Nothing that happens now spoils a latency.
  uint32_t run_seconds_ = 0;
  uint32_t saturated_seconds_ = 0;

  std::vector<LadderStep> steps_;
  WindowStats step_;
  double step_generator_cpu_s_ = 0, step_server_cpu_s_ = 0;
  bool ladder_failed_ = false;

  std::vector<std::string> invalid_reasons_;
};

}  // namespace chat::sim
