#include "sim/report/time_series.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace chat::sim {
namespace {

int bin_of(int64_t ns) {
  const double octaves = std::log2(static_cast<double>(std::max<int64_t>(ns, 1'000)) / 1'000);
  return std::min(static_cast<int>(octaves * LatencyBins::kPerOctave), LatencyBins::kBins - 1);
}

LatencyPoint latency_point(const Histogram& histogram) {
  LatencyPoint point;
  if (histogram.count() == 0) return point;
  const auto ms = [](int64_t ns) { return static_cast<double>(ns) / 1e6; };
  point.p50_ms = ms(histogram.percentile(50));
  point.p90_ms = ms(histogram.percentile(90));
  point.p99_ms = ms(histogram.percentile(99));
  point.max_ms = ms(histogram.max());
  point.bins.add(histogram);
  return point;
}

void join_latency(LatencyPoint& point, const LatencyPoint& later) {
  point.bins.merge(later.bins);
  point.p50_ms = point.bins.percentile_ms(50);
  point.p90_ms = point.bins.percentile_ms(90);
  point.p99_ms = point.bins.percentile_ms(99);
  point.max_ms = std::max(point.max_ms, later.max_ms);
}

}  // namespace

void LatencyBins::add(const Histogram& histogram_ns) {
  for (const auto& bucket : histogram_ns.buckets()) {
    uint32_t& count = counts_[static_cast<size_t>(bin_of(bucket.low))];
    const uint64_t room = std::numeric_limits<uint32_t>::max() - count;
    count += static_cast<uint32_t>(std::min<uint64_t>(bucket.count, room));
  }
}

void LatencyBins::merge(const LatencyBins& other) {
  for (size_t i = 0; i < counts_.size(); ++i) counts_[i] += other.counts_[i];
}

uint64_t LatencyBins::count() const {
  uint64_t sum = 0;
  for (const uint32_t count : counts_) sum += count;
  return sum;
}

double LatencyBins::percentile_ms(double percent) const {
  const double rank = static_cast<double>(count()) * percent / 100;
  double below = 0;
  for (int bin = 0; bin < kBins; ++bin) {
    const double in_bin = counts_[static_cast<size_t>(bin)];
    if (in_bin > 0 && below + in_bin >= rank) {
      const double share = std::clamp((rank - below) / in_bin, 0.0, 1.0);
      return low_ms(bin) + share * (low_ms(bin + 1) - low_ms(bin));
    }
    below += in_bin;
  }
  return 0;
}

double LatencyBins::low_ms(int bin) {
  return std::exp2(static_cast<double>(bin) / kPerOctave) / 1'000;
}

SeriesPoint TimeSeries::point_of(const WindowStats& second, const ProcessSample& generator,
                                 const std::optional<ProcessSample>& server) {
  SeriesPoint point;
  point.length = second.length;
  point.users = second.users_connected;
  point.sent = second.sent;
  point.acked = second.acked;
  point.delivered = second.delivered;
  point.late = second.late;
  point.not_sent = second.not_sent;
  point.reconnects = second.reconnects;
  point.errors = second.errors;
  point.service = latency_point(second.service);
  point.response = latency_point(second.response);
  point.lag_p99_ms = percentile_ms(second.lag, "p99").value_or(0);
  point.generator = generator;
  if (server) {
    point.server = *server;
    point.server_seconds = 1;
  }
  return point;
}

void TimeSeries::join(SeriesPoint& point, const SeriesPoint& later) {
  point.length = point.length + later.length;
  point.users = std::max(point.users, later.users);
  point.sent += later.sent;
  point.acked += later.acked;
  point.delivered += later.delivered;
  point.late += later.late;
  point.not_sent += later.not_sent;
  point.reconnects += later.reconnects;
  point.errors += later.errors;
  join_latency(point.service, later.service);
  join_latency(point.response, later.response);
  point.lag_p99_ms = std::max(point.lag_p99_ms, later.lag_p99_ms);
  point.generator.cpu_s += later.generator.cpu_s;
  point.generator.rss_bytes = std::max(point.generator.rss_bytes, later.generator.rss_bytes);
  point.server.cpu_s += later.server.cpu_s;
  point.server.rss_bytes = std::max(point.server.rss_bytes, later.server.rss_bytes);
  point.server_seconds += later.server_seconds;
}

void TimeSeries::halve() {
  for (size_t i = 0; i + 1 < points_.size(); i += 2) {
    points_[i / 2] = points_[i];
    join(points_[i / 2], points_[i + 1]);
  }
  points_.resize(points_.size() / 2);
  step_ *= 2;
  last_point_ = step_;
}

void TimeSeries::add(const WindowStats& second, const ProcessSample& generator,
                     const std::optional<ProcessSample>& server) {
  const SeriesPoint point = point_of(second, generator, server);
  if (last_point_ < step_ && !points_.empty()) {
    join(points_.back(), point);
    ++last_point_;
    return;
  }
  if (points_.size() == kPointsMax) halve();
  points_.push_back(point);
  last_point_ = 1;
}

}  // namespace chat::sim
