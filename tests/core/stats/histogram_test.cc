#include "core/stats/histogram.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "core/base/random.h"

namespace chat {
namespace {

TEST(Histogram, IsExactForSmallValues) {
  Histogram histogram;
  for (int64_t v = 1; v <= 1'000; ++v) histogram.record(v);
  EXPECT_EQ(histogram.percentile(50), 500);
  EXPECT_EQ(histogram.percentile(99), 990);
  EXPECT_EQ(histogram.percentile(99.9), 999);
  EXPECT_EQ(histogram.percentile(100), 1'000);
  EXPECT_EQ(histogram.percentile(0), 1);
  EXPECT_EQ(histogram.min(), 1);
  EXPECT_EQ(histogram.max(), 1'000);
  EXPECT_DOUBLE_EQ(histogram.mean(), 500.5);
}

TEST(Histogram, IsEmptyAtFirst) {
  const Histogram histogram;
  EXPECT_EQ(histogram.count(), 0u);
  EXPECT_EQ(histogram.percentile(99), 0);
  EXPECT_EQ(histogram.min(), 0);
  EXPECT_EQ(histogram.max(), 0);
  EXPECT_TRUE(histogram.buckets().empty());
}

TEST(Histogram, KeepsThreeDigitsOverItsWholeRange) {
  Random random(1);
  for (int i = 0; i < 20'000; ++i) {
    const auto value = static_cast<int64_t>(random.next() >> (22 + random.below(42)));
    Histogram histogram;
    histogram.record(value);
    histogram.record(Histogram::kValueMax);
    const int64_t reported = histogram.percentile(50);
    ASSERT_GE(reported, value);
    ASSERT_LE(reported, value + value / 1'000);
    if (i % 100 != 0) continue;
    const auto bucket = histogram.buckets().front();
    ASSERT_LE(bucket.low, value);
    ASSERT_GE(bucket.high, value);
  }
}

TEST(Histogram, PercentilesAgreeWithASortedList) {
  Random random(2);
  Histogram histogram;
  std::vector<int64_t> values;
  for (int i = 0; i < 9'999; ++i) {
    values.push_back(static_cast<int64_t>(random.exponential(5e6)));
    histogram.record(values.back());
  }
  std::sort(values.begin(), values.end());
  for (const auto& [percent, rank] : {std::pair{50.0, 5'000}, {90.0, 9'000}, {99.9, 9'990}}) {
    const int64_t exact = values[static_cast<size_t>(rank) - 1];
    EXPECT_GE(histogram.percentile(percent), exact);
    EXPECT_LE(histogram.percentile(percent), exact + exact / 1'000);
  }
}

TEST(Histogram, MergeEqualsRecordingBoth) {
  Random random(3);
  Histogram a, b, both;
  for (int i = 0; i < 1'000; ++i) {
    const auto value = static_cast<int64_t>(random.below(1'000'000'000));
    (i % 3 == 0 ? a : b).record(value);
    both.record(value);
  }
  a.merge(b);
  EXPECT_EQ(a, both);
  Histogram empty;
  a.merge(empty);
  EXPECT_EQ(a, both);
}

TEST(Histogram, CountsNegativeAndHugeValuesAtItsEnds) {
  Histogram histogram;
  histogram.record(-5);
  histogram.record(INT64_MAX);
  EXPECT_EQ(histogram.min(), 0);
  EXPECT_EQ(histogram.percentile(50), 0);
  EXPECT_EQ(histogram.percentile(100), INT64_MAX);
  EXPECT_EQ(histogram.max(), INT64_MAX);
}

TEST(Histogram, RoundTripsThroughItsBuckets) {
  Random random(4);
  Histogram histogram;
  for (int i = 0; i < 500; ++i) histogram.record(static_cast<int64_t>(random.below(1ull << 43)), 3);
  const auto copy = Histogram::from(histogram.buckets(), histogram.min(), histogram.max());
  ASSERT_TRUE(copy.has_value());
  EXPECT_EQ(*copy, histogram);
  EXPECT_EQ(*Histogram::from({}, 0, 0), Histogram());
}

TEST(Histogram, RefusesBucketsThatNoHistogramHas) {
  const std::vector<Histogram::Bucket> odd{{5'001, 5'002, 1}};
  EXPECT_EQ(Histogram::from(odd, 5'001, 5'001).error().code, ErrorCode::corrupt);
  const std::vector<Histogram::Bucket> one{{7, 7, 1}};
  EXPECT_EQ(Histogram::from(one, 8, 8).error().code, ErrorCode::corrupt);
  EXPECT_EQ(Histogram::from(one, 7, 6).error().code, ErrorCode::corrupt);
  const std::vector<Histogram::Bucket> negative{{-1, -1, 1}};
  EXPECT_EQ(Histogram::from(negative, 0, 0).error().code, ErrorCode::corrupt);
}

}  // namespace
}  // namespace chat
