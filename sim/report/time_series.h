// TimeSeries: a run over time in a bounded number of points, right for 3 seconds and for 12 hours.
// Points begin as wide as what is added, a second as a rule; when there are too many, each two are
// joined. Percentiles are exact
// while a point has never been joined; afterwards they come from bins of 9 % width.
// Thread rule: plain value.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "core/base/time.h"
#include "core/stats/histogram.h"
#include "sim/report/window_stats.h"

namespace chat::sim {

/// Counts of latencies in bins that grow by a constant factor, eight per octave, from 1 µs on.
class LatencyBins {
 public:
  static constexpr int kPerOctave = 8;
  static constexpr int kBins = 28 * kPerOctave;

  void add(const Histogram& histogram_ns);
  void merge(const LatencyBins& other);
  uint64_t count() const;
  /// Within the bin that holds it; 0 when empty.
  double percentile_ms(double percent) const;
  /// The lower end of a bin, in ms.
  static double low_ms(int bin);
  const std::array<uint32_t, kBins>& counts() const { return counts_; }

 private:
  std::array<uint32_t, kBins> counts_{};
};

struct LatencyPoint {
  double p50_ms = 0, p90_ms = 0, p99_ms = 0, max_ms = 0;
  LatencyBins bins;
};

/// What the processes of both sides used in one second.
struct ProcessSample {
  double cpu_s = 0;  ///< CPU time since the last sample.
  uint64_t rss_bytes = 0;
};

struct SeriesPoint {
  Duration length;
  uint64_t users = 0;  ///< Connected: the most of its seconds.
  uint64_t sent = 0, acked = 0, delivered = 0, late = 0, not_sent = 0, reconnects = 0, errors = 0;
  LatencyPoint service, response;
  double lag_p99_ms = 0;
  ProcessSample generator;
  ProcessSample server;
  uint32_t server_seconds = 0;  ///< Seconds in which the server could be sampled.
};

class TimeSeries {
 public:
  static constexpr size_t kPointsMax = 600;

  /// What is added covers so many seconds.
  explicit TimeSeries(uint32_t unit_s = 1) : unit_s_(unit_s) {}

  /// One second of the run, or one unit; `server` is absent when it could not be sampled.
  void add(const WindowStats& second, const ProcessSample& generator,
           const std::optional<ProcessSample>& server);
  const std::vector<SeriesPoint>& points() const { return points_; }
  /// Seconds per point; the last one may be shorter.
  uint32_t step_s() const { return step_ * unit_s_; }

 private:
  static SeriesPoint point_of(const WindowStats& second, const ProcessSample& generator,
                              const std::optional<ProcessSample>& server);
  static void join(SeriesPoint& point, const SeriesPoint& later);
  void halve();

  std::vector<SeriesPoint> points_;
  uint32_t unit_s_;
  uint32_t step_ = 1;        ///< Units per point,
  uint32_t last_point_ = 0;  ///< and in the last one.
};

}  // namespace chat::sim
