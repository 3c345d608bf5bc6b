// StormStats: how a storm of reconnects went: all devices lost their links at once, and came back.
// Thread rule: plain value.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "core/base/time.h"
#include "core/stats/histogram.h"

namespace chat::sim {

struct StormStats {
  Duration at;                    ///< After the ramp began.
  uint64_t dropped = 0;           ///< Devices whose link broke.
  uint64_t recovered = 0;         ///< Of them those that were at head again.
  Histogram welcome;              ///< ns from the storm to the device's next Welcome.
  Histogram recovery;             ///< ns from the storm to having everything, live.
  std::vector<uint64_t> accepts;  ///< Welcomes by whole second after the storm.

  void welcomed(Duration after);
  void recovered_after(Duration after);
  /// The most Welcomes within one second.
  uint64_t accepts_peak() const;
  /// Welcomes per second between the first and the last one.
  double accepts_mean() const;
  /// When the last device was at head again; nullopt when one never was.
  std::optional<Duration> full_recovery() const;
  /// The value of a gate metric without its "storm."; nullopt when there is none.
  std::optional<double> metric(std::string_view name) const;
};

}  // namespace chat::sim
