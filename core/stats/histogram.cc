#include "core/stats/histogram.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace chat {

Histogram::Histogram() : counts_(kBuckets) {}

void Histogram::record(int64_t value, uint64_t times) {
  if (times == 0) return;
  value = std::max<int64_t>(value, 0);
  counts_[index_of(value)] += times;
  count_ += times;
  min_ = std::min(min_, value);
  max_ = std::max(max_, value);
}

void Histogram::merge(const Histogram& other) {
  for (size_t i = 0; i < kBuckets; ++i) counts_[i] += other.counts_[i];
  count_ += other.count_;
  min_ = std::min(min_, other.min_);
  max_ = std::max(max_, other.max_);
}

void Histogram::clear() { *this = Histogram(); }

double Histogram::mean() const {
  if (count_ == 0) return 0;
  double sum = 0;
  for (size_t i = 0; i < kBuckets; ++i) {
    if (counts_[i] == 0) continue;
    sum += static_cast<double>(counts_[i]) * static_cast<double>(low_of(i) + high_of(i)) / 2;
  }
  return sum / static_cast<double>(count_);
}

int64_t Histogram::percentile(double percent) const {
  if (count_ == 0) return 0;
  // In integers, for 99.9 % of 1,000 must be the 999th value whatever a double makes of 0.999.
  constexpr uint64_t kWhole = 100'000;
  const auto part = static_cast<uint64_t>(std::llround(std::clamp(percent, 0.0, 100.0) * 1'000));
  const auto product = static_cast<__uint128_t>(count_) * part;
  const auto rank = std::max<uint64_t>(1, static_cast<uint64_t>((product + kWhole - 1) / kWhole));
  uint64_t seen = 0;
  for (size_t i = 0; i < kBuckets; ++i) {
    seen += counts_[i];
    if (seen >= rank) return i + 1 == kBuckets ? max_ : std::clamp(high_of(i), min_, max_);
  }
  return max_;
}

std::vector<Histogram::Bucket> Histogram::buckets() const {
  std::vector<Bucket> out;
  for (size_t i = 0; i < kBuckets; ++i) {
    if (counts_[i] > 0) out.push_back({low_of(i), high_of(i), counts_[i]});
  }
  return out;
}

Result<Histogram> Histogram::from(std::span<const Bucket> buckets, int64_t min, int64_t max) {
  Histogram out;
  for (const Bucket& bucket : buckets) {
    const size_t index = index_of(std::max<int64_t>(bucket.low, 0));
    if (low_of(index) != bucket.low || high_of(index) != bucket.high) {
      return make_error(ErrorCode::corrupt, "a histogram bucket has bounds that no bucket has");
    }
    out.counts_[index] += bucket.count;
    out.count_ += bucket.count;
  }
  if (out.count_ == 0) return out;
  if (min < 0 || min > max)
    return make_error(ErrorCode::corrupt, "a histogram's min exceeds its max");
  if (out.counts_[index_of(min)] == 0 || out.counts_[index_of(max)] == 0) {
    return make_error(ErrorCode::corrupt, "a histogram's min or max lies in an empty bucket");
  }
  out.min_ = min;
  out.max_ = max;
  return out;
}

// Values below 2^11 have a bucket each. Above, a value whose top bit is b falls into one of 2^10
// buckets of width 2^(b-10), named by its top eleven bits.
size_t Histogram::index_of(int64_t value) {
  const auto v = static_cast<uint64_t>(std::min(value, kValueMax));
  const int shift = std::max(0, static_cast<int>(std::bit_width(v)) - (kStepBits + 1));
  return (static_cast<size_t>(shift) << kStepBits) + static_cast<size_t>(v >> shift);
}

int64_t Histogram::low_of(size_t index) {
  if (index < (size_t{2} << kStepBits)) return static_cast<int64_t>(index);
  const size_t shift = (index >> kStepBits) - 1;
  const size_t step = (index & ((size_t{1} << kStepBits) - 1)) | (size_t{1} << kStepBits);
  return static_cast<int64_t>(step << shift);
}

int64_t Histogram::high_of(size_t index) { return low_of(index + 1) - 1; }

}  // namespace chat
