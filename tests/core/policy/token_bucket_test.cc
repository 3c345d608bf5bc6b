#include "core/policy/token_bucket.h"

#include <gtest/gtest.h>

namespace chat {
namespace {

const Instant kStart = Instant{} + seconds(100);

TEST(TokenBucket, GivesItsBurstThenItsRate) {
  TokenBucket bucket({.per_second = 10, .burst = 3});
  EXPECT_TRUE(bucket.take(kStart, 3));
  EXPECT_FALSE(bucket.take(kStart));
  EXPECT_EQ(bucket.retry_after(kStart), milliseconds(100));
  EXPECT_FALSE(bucket.take(kStart + milliseconds(100) - nanoseconds(1)));
  EXPECT_TRUE(bucket.take(kStart + milliseconds(100)));
  EXPECT_FALSE(bucket.take(kStart + milliseconds(100)));
}

TEST(TokenBucket, RefusalTakesNothing) {
  TokenBucket bucket({.per_second = 1, .burst = 2});
  EXPECT_FALSE(bucket.take(kStart, 3));
  EXPECT_TRUE(bucket.take(kStart, 2));
}

TEST(TokenBucket, NeverHoldsMoreThanItsBurst) {
  TokenBucket bucket({.per_second = 5, .burst = 4});
  EXPECT_TRUE(bucket.take(kStart, 4));
  const Instant later = kStart + minutes(60);
  EXPECT_TRUE(bucket.take(later, 4));
  EXPECT_FALSE(bucket.take(later));
}

TEST(TokenBucket, NeverExceedsItsRateWhenItDoesNotDivideASecond) {
  TokenBucket bucket({.per_second = 7, .burst = 1});
  int taken = 0;
  for (int64_t ms = 0; ms < 10'000; ++ms) taken += bucket.take(kStart + milliseconds(ms)) ? 1 : 0;
  EXPECT_LE(taken, 71);
  EXPECT_GE(taken, 68);
}

TEST(TokenBucket, RetryAfterIsExactForSeveralTokens) {
  TokenBucket bucket({.per_second = 10, .burst = 5});
  ASSERT_TRUE(bucket.take(kStart, 5));
  const Duration wait = bucket.retry_after(kStart, 3);
  EXPECT_EQ(wait, milliseconds(300));
  EXPECT_TRUE(bucket.take(kStart + wait, 3));
  EXPECT_EQ(bucket.retry_after(kStart + minutes(1)), Duration{});
}

TEST(TokenBucket, WithoutARateHasNoLimit) {
  TokenBucket bucket({.per_second = 0});
  for (int i = 0; i < 1'000; ++i) EXPECT_TRUE(bucket.take(kStart, 1'000));
  EXPECT_EQ(bucket.retry_after(kStart), Duration{});
}

TEST(TokenBucket, KeepsWhatWasTakenWhenItsRateChanges) {
  TokenBucket bucket({.per_second = 1, .burst = 1});
  ASSERT_TRUE(bucket.take(kStart));
  bucket.set_options({.per_second = 100, .burst = 1});
  EXPECT_FALSE(bucket.take(kStart));
  EXPECT_TRUE(bucket.take(kStart + seconds(1)));
}

}  // namespace
}  // namespace chat
