// Admission: how many connections an engine holds and how fast it accepts new ones.
// It also says over which window clients should spread their reconnects: as long as it would take
// to accept everyone who is connected now. It never closes a connection itself. Thread rule: owned
// by one engine.
#pragma once

#include <cstdint>

#include "core/base/time.h"
#include "core/policy/token_bucket.h"

namespace chat {

struct AdmissionOptions {
  int64_t accepts_per_second = 0;  ///< 0: not paced.
  int64_t accepts_burst = 64;      ///< Accepted at once after a quiet time.
  uint64_t connections_max = 0;    ///< 0: no limit.
  Duration reconnect_window_min = seconds(5);
};

enum class AdmissionVerdict {
  accept,
  later,  ///< Too many at a time; retry_after() says when.
  full,   ///< connections_max are open.
};

class Admission {
 public:
  explicit Admission(const AdmissionOptions& options);

  /// Decides on one new connection and counts it when accepted; each accepted one must be given to
  /// closed() once.
  AdmissionVerdict admit(Instant now);
  void closed();
  /// The shortest wait after which admit() could accept, as far as the pace is concerned.
  Duration retry_after(Instant now) const { return pace_.retry_after(now); }

  /// max(reconnect_window_min, connections ÷ accept rate): what Welcome and GoAway announce.
  Duration reconnect_window() const;

  uint64_t connections() const { return connections_; }
  uint64_t connections_peak() const { return connections_peak_; }
  uint64_t accepted() const { return accepted_; }
  uint64_t refused_later() const { return refused_later_; }
  uint64_t refused_full() const { return refused_full_; }

  /// New limits from now on; open connections above a lower maximum stay.
  void set_options(const AdmissionOptions& options);

 private:
  AdmissionOptions options_;
  TokenBucket pace_;
  uint64_t connections_ = 0;
  uint64_t connections_peak_ = 0;
  uint64_t accepted_ = 0;
  uint64_t refused_later_ = 0;
  uint64_t refused_full_ = 0;
};

}  // namespace chat
