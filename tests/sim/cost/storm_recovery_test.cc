#include "sim/cost/storm_recovery.h"

#include <gtest/gtest.h>

namespace chat::sim {
namespace {

StormOutcome recovered(const StormCase& storm, uint64_t seed = 1) {
  Random random(seed);
  return recover(storm, random);
}

TEST(StormRecovery, TakesTheAnnouncedWindowWhenTheEngineIsFastEnough) {
  // 100,000 connections at 5,000 per second: Welcome announced 20 s; half as many come back.
  const auto outcome =
      recovered({.admission = {.accepts_per_second = 5'000, .accepts_burst = 5'000},
                 .kept = 100'000,
                 .returning = 50'000,
                 .lost_engine = 100'000});
  EXPECT_EQ(outcome.refused, 0u);
  EXPECT_NEAR(outcome.recovered.seconds(), 20, 0.1);
  EXPECT_NEAR(outcome.median.seconds(), 10, 0.2);
}

TEST(StormRecovery, IsNeverFasterThanThePace) {
  const auto outcome = recovered({.admission = {.accepts_per_second = 100, .accepts_burst = 100},
                                  .kept = 0,
                                  .returning = 10'000,
                                  .lost_engine = 1'000});
  EXPECT_GT(outcome.refused, 0u);
  EXPECT_GE(outcome.recovered.seconds(), (10'000 - 100) / 100);
}

TEST(StormRecovery, SaysThatSomeFindNoPlace) {
  const auto outcome = recovered(
      {.admission = {.connections_max = 1'000}, .kept = 900, .returning = 500, .lost_engine = 900});
  EXPECT_TRUE(outcome.full);
  EXPECT_LE(outcome.recovered, seconds(5)) << "the smallest window";
}

TEST(StormRecovery, IsOverAtOnceWithoutAnybody) {
  const auto outcome = recovered({.admission = {}, .kept = 10, .returning = 0, .lost_engine = 10});
  EXPECT_EQ(outcome.recovered, Duration{});
}

}  // namespace
}  // namespace chat::sim
