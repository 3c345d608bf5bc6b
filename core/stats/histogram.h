// Histogram: counts of non-negative integers with three significant digits in a fixed amount of
// memory. The scheme is that of HdrHistogram (G. Tene): exact below 2,048, then 1,024 equal steps
// per power of two, so a reported value is at most 0.1 % above the recorded one. The unit (ns, µs,
// bytes) is the caller's. Merging is exact: the merge of two histograms equals one that recorded
// both. Thread rule: plain value.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "core/base/error.h"

namespace chat {

class Histogram {
 public:
  /// Larger values are counted in the last bucket; max() stays exact. In ns these are 73 minutes.
  static constexpr int64_t kValueMax = (int64_t{1} << 42) - 1;

  /// One non-empty bucket: `count` values in [low, high].
  struct Bucket {
    int64_t low = 0;
    int64_t high = 0;
    uint64_t count = 0;
    bool operator==(const Bucket&) const = default;
  };

  Histogram();

  /// Counts `value` (negative counts as 0) `times` times.
  void record(int64_t value, uint64_t times = 1);
  void merge(const Histogram& other);
  void clear();

  uint64_t count() const { return count_; }
  /// The smallest and largest recorded value, exact; 0 when empty.
  int64_t min() const { return count_ == 0 ? 0 : min_; }
  int64_t max() const { return max_; }
  /// The mean of the buckets' middles; 0 when empty.
  double mean() const;
  /// The smallest value that at least `percent` per cent of the records do not exceed (three
  /// decimals of `percent` count), rounded up to its bucket's end but never above max(); 0 when
  /// empty.
  int64_t percentile(double percent) const;

  /// The non-empty buckets in ascending order: what is serialised and drawn.
  std::vector<Bucket> buckets() const;
  /// The histogram whose buckets(), min() and max() these are; `corrupt` when no histogram has
  /// them.
  static Result<Histogram> from(std::span<const Bucket> buckets, int64_t min, int64_t max);

  static constexpr size_t memory_bytes() { return sizeof(Histogram) + kBuckets * sizeof(uint64_t); }

  bool operator==(const Histogram&) const = default;

 private:
  static constexpr int kStepBits = 10;
  static constexpr size_t kBuckets = (42 - kStepBits + 1) << kStepBits;

  static size_t index_of(int64_t value);
  static int64_t low_of(size_t index);
  static int64_t high_of(size_t index);

  std::vector<uint64_t> counts_;
  uint64_t count_ = 0;
  int64_t min_ = INT64_MAX;
  int64_t max_ = 0;
};

}  // namespace chat
