// Slowdown: a fault under which something takes a factor longer for a while. Thread rule: plain
// value.
#pragma once

#include "core/base/time.h"

namespace chat::sim {

class Slowdown {
 public:
  void begin(double factor, Instant until) {
    factor_ = factor;
    until_ = until;
  }
  /// What `duration` becomes when it begins at `now`.
  Duration of(Duration duration, Instant now) const {
    if (now >= until_) return duration;
    return nanoseconds(static_cast<int64_t>(static_cast<double>(duration.ns) * factor_));
  }

 private:
  double factor_ = 1;
  Instant until_;
};

}  // namespace chat::sim
