// BucketTable: one TokenBucket per key, made at its first use and forgotten once it must be full.
// Two generations of buckets: what was not used for one whole period, which is as long as an empty
// bucket takes to fill, is dropped. Time passes only in take() and wait(); idle tables keep what
// they have. Thread rule: owned by one engine.
#pragma once

#include <algorithm>
#include <cstddef>
#include <unordered_map>
#include <utility>

#include "core/base/time.h"
#include "core/policy/token_bucket.h"

namespace chat {

template <class Key>
class BucketTable {
 public:
  explicit BucketTable(const TokenBucketOptions& options)
      : options_(options), period_(TokenBucket(options).fill_time()) {}

  /// How long until the key's bucket has a token; zero when it has one.
  Duration wait(Instant now, const Key& key) {
    turn_over(now);
    const TokenBucket* bucket = find(key);
    return bucket ? bucket->retry_after(now) : Duration{};
  }
  /// Takes one token of the key's bucket; false when there is none.
  bool take(Instant now, const Key& key) {
    turn_over(now);
    find(key);
    return young_.try_emplace(key, options_).first->second.take(now);
  }

  /// New limits from now on; what was taken before stays taken.
  void set_options(const TokenBucketOptions& options) {
    options_ = options;
    period_ = std::max(period_, TokenBucket(options).fill_time());
    for (auto* generation : {&young_, &old_}) {
      for (auto& [key, bucket] : *generation) bucket.set_options(options);
    }
  }

  /// Buckets that are remembered.
  size_t size() const { return young_.size() + old_.size(); }

 private:
  using Generation = std::unordered_map<Key, TokenBucket>;

  /// The key's bucket, now in the young generation; nullptr when it is not remembered.
  const TokenBucket* find(const Key& key) {
    if (const auto known = young_.find(key); known != young_.end()) return &known->second;
    if (auto node = old_.extract(key)) return &young_.insert(std::move(node)).position->second;
    return nullptr;
  }
  void turn_over(Instant now) {
    if (now < period_ends_) return;
    old_ = std::exchange(young_, {});
    if (now - period_ends_ >= period_) old_.clear();
    period_ends_ = now + period_;
  }

  TokenBucketOptions options_;
  Duration period_;
  Instant period_ends_;
  Generation young_, old_;
};

}  // namespace chat
