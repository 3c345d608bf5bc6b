// TokenBucket: a rate limit of so many actions per second with a burst, in integer nanoseconds.
// Kept as one instant, the time at which the bucket will be full again (the generic cell rate
// algorithm, ITU-T I.371), so that idle buckets need no timer. Thread rule: plain value.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>

#include "core/base/time.h"

namespace chat {

struct TokenBucketOptions {
  int64_t per_second = 0;  ///< Tokens that come back per second; 0 means no limit.
  int64_t burst = 1;       ///< Tokens in a full bucket, at least 1.
};

class TokenBucket {
 public:
  /// Full at first.
  explicit TokenBucket(const TokenBucketOptions& options)
      : per_token_{options.per_second <= 0
                       ? 0
                       : (kSecond + options.per_second - 1) / options.per_second},
        depth_{per_token_ * std::max<int64_t>(options.burst, 1)} {}

  /// Takes `count` tokens, or none when there are fewer. More than the burst never succeeds.
  bool take(Instant now, int64_t count = 1) {
    const Instant full_at = after(now, count);
    if (full_at - now > depth_) return false;
    full_at_ = full_at;
    return true;
  }

  /// How long until `count` tokens (at most the burst) are there; zero when they are.
  Duration retry_after(Instant now, int64_t count = 1) const {
    return std::max(after(now, count) - now - depth_, Duration{});
  }

  /// How long an empty bucket takes to be full again.
  Duration fill_time() const { return depth_; }

  /// Changes rate and burst; what was taken before stays taken.
  void set_options(const TokenBucketOptions& options) {
    const Instant full_at = full_at_;
    *this = TokenBucket(options);
    // Without a limit nothing is missing.
    if (per_token_ > Duration{}) full_at_ = full_at;
  }

 private:
  static constexpr int64_t kSecond = 1'000'000'000;

  Instant after(Instant now, int64_t count) const {
    return std::max(full_at_, now) + per_token_ * count;
  }

  Duration per_token_;
  Duration depth_;
  Instant full_at_{std::numeric_limits<int64_t>::min()};
};

}  // namespace chat
