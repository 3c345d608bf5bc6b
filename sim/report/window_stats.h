// WindowStats: what happened in a stretch of a run, one second or any sum of seconds.
// Drivers fill one per second; windows of gates, steps of a ladder and the totals are their merges.
// Thread rule: plain value.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "core/base/time.h"
#include "core/stats/histogram.h"

namespace chat::sim {

struct WindowStats {
  Duration length;
  uint64_t users_connected = 0;  ///< At its end.
  uint64_t sent = 0;             ///< First attempts.
  uint64_t acked = 0;
  uint64_t delivered = 0;  ///< Live deliveries of messages.
  uint64_t late = 0;
  uint64_t not_sent = 0;
  uint64_t reconnects = 0;
  uint64_t errors = 0;        ///< Error frames.
  uint64_t rate_limited = 0;  ///< Of them: too fast, come again.
  uint64_t go_aways = 0;      ///< Devices that the server asked to go elsewhere.
  Histogram service;          ///< ns from the actual send to each live delivery.
  Histogram response;         ///< ns from the intended send to each live delivery.
  Histogram lag;              ///< ns by which the generator itself wrote a send too late.

  /// Appends a later stretch.
  void merge(const WindowStats& later);
  void clear();
  /// The value of a gate metric that exists per window; nullopt when there is none.
  std::optional<double> metric(std::string_view name) const;
};

/// A percentile as gates name it ("p50" … "p999", "max") in ms; nullopt when nothing was recorded
/// or the name is no percentile.
std::optional<double> percentile_ms(const Histogram& histogram, std::string_view name);

}  // namespace chat::sim
