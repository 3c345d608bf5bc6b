#include "core/base/random.h"

#include <gtest/gtest.h>

#include "core/base/digest.h"

namespace chat {
namespace {

TEST(Random, RepeatsWithTheSameSeedAndDiffersWithAnother) {
  Random a(5), b(5), c(6);
  EXPECT_EQ(a.next(), b.next());
  EXPECT_NE(a.next(), c.next());
}

TEST(Random, ForkNeitherAdvancesItsParentNorFollowsIt) {
  Random parent(5), same(5);
  Random child = parent.fork("child");
  child.next();
  EXPECT_EQ(parent.next(), same.next());
  EXPECT_NE(Random(5).fork("a").next(), Random(5).fork("b").next());
  EXPECT_NE(Random(5).fork("a", 1).next(), Random(5).fork("a", 2).next());
}

TEST(Random, BelowStaysInItsRangeAndReachesAllOfIt) {
  Random random(9);
  std::array<int, 7> counts{};
  for (int i = 0; i < 7'000; ++i) ++counts[random.below(7)];
  for (int count : counts) EXPECT_NEAR(count, 1'000, 150);
  EXPECT_EQ(random.below(0), 0u);
}

TEST(Random, BetweenIncludesBothEnds) {
  Random random(9);
  bool low = false, high = false;
  for (int i = 0; i < 200; ++i) {
    const int64_t value = random.between(-2, 2);
    ASSERT_GE(value, -2);
    ASSERT_LE(value, 2);
    low |= value == -2;
    high |= value == 2;
  }
  EXPECT_TRUE(low && high);
}

TEST(Random, ExponentialHasTheGivenMean) {
  Random random(3);
  double sum = 0;
  for (int i = 0; i < 100'000; ++i) sum += random.exponential(10.0);
  EXPECT_NEAR(sum / 100'000, 10.0, 0.2);
}

TEST(Digest, DependsOnOrderAndOnWhereStringsEnd) {
  Digest ab, ba, joined;
  ab.add("a");
  ab.add("b");
  ba.add("b");
  ba.add("a");
  joined.add("ab");
  EXPECT_NE(ab.value(), ba.value());
  EXPECT_NE(ab.value(), joined.value());
}

}  // namespace
}  // namespace chat
