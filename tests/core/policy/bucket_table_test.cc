#include "core/policy/bucket_table.h"

#include <gtest/gtest.h>

#include <string>

namespace chat {
namespace {

const Instant kStart = Instant{} + seconds(100);

TEST(BucketTable, GivesEveryKeyABucketOfItsOwn) {
  BucketTable<std::string> table({.per_second = 1, .burst = 2});
  EXPECT_TRUE(table.take(kStart, "ann"));
  EXPECT_TRUE(table.take(kStart, "ann"));
  EXPECT_FALSE(table.take(kStart, "ann"));
  EXPECT_EQ(table.wait(kStart, "ann"), seconds(1));
  EXPECT_EQ(table.wait(kStart, "ben"), Duration{});
  EXPECT_TRUE(table.take(kStart, "ben"));
}

TEST(BucketTable, RemembersAnEmptyBucketUntilItIsFullAgain) {
  BucketTable<int> table({.per_second = 1, .burst = 10});
  for (int i = 0; i < 10; ++i) EXPECT_TRUE(table.take(kStart, 1));
  // Wherever the generations turn over, no bucket is ever better than its rate allows.
  int taken = 0;
  for (int second = 1; second <= 60; ++second) {
    while (table.take(kStart + seconds(second), 1)) ++taken;
  }
  EXPECT_EQ(taken, 60);
}

TEST(BucketTable, ForgetsKeysThatWereIdleAsLongAsABucketTakesToFill) {
  BucketTable<int> table({.per_second = 10, .burst = 20});
  for (int key = 0; key < 1'000; ++key) table.take(kStart, key);
  EXPECT_EQ(table.size(), 1'000u);
  table.take(kStart + seconds(2), 1);
  table.take(kStart + seconds(4), 1);
  EXPECT_EQ(table.size(), 1u);
  table.wait(kStart + minutes(1), 2);
  EXPECT_EQ(table.size(), 0u);
}

TEST(BucketTable, ARateOfZeroLimitsNothing) {
  BucketTable<int> table({.per_second = 0});
  for (int i = 0; i < 1'000; ++i) EXPECT_TRUE(table.take(kStart, 1));
  EXPECT_EQ(table.wait(kStart, 1), Duration{});
}

TEST(BucketTable, NewOptionsKeepWhatWasTaken) {
  BucketTable<int> table({.per_second = 1, .burst = 2});
  EXPECT_TRUE(table.take(kStart, 1));
  EXPECT_TRUE(table.take(kStart, 1));
  table.set_options({.per_second = 10, .burst = 20});
  EXPECT_FALSE(table.take(kStart, 1));
  EXPECT_TRUE(table.take(kStart + milliseconds(100), 1));
}

}  // namespace
}  // namespace chat
