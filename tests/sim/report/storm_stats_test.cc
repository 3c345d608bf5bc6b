#include "sim/report/storm_stats.h"

#include <gtest/gtest.h>

namespace chat::sim {
namespace {

TEST(StormStats, CountsAcceptsBySecondAndTheirRateFromFirstToLast) {
  StormStats storm;
  storm.dropped = 101;
  for (int i = 0; i <= 100; ++i) storm.welcomed(milliseconds(500 + 20 * i));
  EXPECT_EQ(storm.accepts, (std::vector<uint64_t>{25, 50, 26}));
  EXPECT_EQ(storm.accepts_peak(), 50u);
  EXPECT_NEAR(storm.accepts_mean(), 50.5, 0.1);
  EXPECT_NEAR(*storm.metric("accepts"), 50.5, 0.1);
}

TEST(StormStats, HasAFullRecoveryOnlyWhenTheLastDeviceIsBack) {
  StormStats storm;
  storm.dropped = 2;
  storm.recovered_after(milliseconds(800));
  EXPECT_EQ(storm.full_recovery(), std::nullopt);
  EXPECT_EQ(storm.metric("full_recovery"), std::nullopt);
  storm.recovered_after(milliseconds(2'500));
  EXPECT_EQ(storm.full_recovery(), milliseconds(2'500));
  EXPECT_EQ(storm.metric("full_recovery"), 2'500);
  EXPECT_EQ(storm.metric("dropped"), 2);
  EXPECT_EQ(storm.metric("recovered"), 2);
  EXPECT_NEAR(*storm.metric("recovery.p50"), 800, 1);
  EXPECT_EQ(storm.metric("nonsense"), std::nullopt);
}

TEST(StormStats, WithoutAnyDeviceHasNoRates) {
  const StormStats storm;
  EXPECT_EQ(storm.accepts_peak(), 0u);
  EXPECT_EQ(storm.accepts_mean(), 0);
}

}  // namespace
}  // namespace chat::sim
