#include "core/presence/heartbeat_schedule.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace chat {
namespace {

constexpr uint32_t kInterval = 300;

std::vector<uint32_t> next(HeartbeatSchedule& schedule, uint32_t tick) {
  std::vector<uint32_t> due;
  schedule.next(tick, due);
  return due;
}

TEST(HeartbeatSchedule, SpreadsFirstHeartbeatsEvenlyOverOneInterval) {
  HeartbeatSchedule schedule(kInterval);
  Random random(1);
  for (uint32_t slot = 0; slot < 30'000; ++slot) schedule.add(slot, 1'000, random);
  EXPECT_TRUE(next(schedule, 999).empty());
  size_t all = 0;
  for (uint32_t tick = 1'029; tick <= 1'299; tick += 30) {
    const size_t due = next(schedule, tick).size();
    EXPECT_NEAR(static_cast<double>(due), 3'000, 300) << tick;
    all += due;
  }
  EXPECT_EQ(all, 30'000u);
}

TEST(HeartbeatSchedule, RepeatsEveryIntervalWithoutDrift) {
  HeartbeatSchedule schedule(kInterval);
  Random random(1);
  schedule.add(0, 0, random);
  uint32_t first = 1;
  while (next(schedule, first).empty()) ++first;
  for (uint32_t round = 1; round < 5; ++round) {
    // Collected late, yet the next one stays where it belongs.
    EXPECT_TRUE(next(schedule, first + round * kInterval - 1).empty());
    EXPECT_EQ(next(schedule, first + round * kInterval + round).size(), 1u);
  }
}

TEST(HeartbeatSchedule, IsPutOffByAnyOtherFrame) {
  HeartbeatSchedule schedule(kInterval);
  Random random(1);
  schedule.add(0, 0, random);
  const uint32_t slot = 0;
  schedule.sent(std::span(&slot, 1), 200);
  schedule.sent(std::span(&slot, 1), 450);
  EXPECT_TRUE(next(schedule, 749).empty());
  EXPECT_EQ(next(schedule, 750).size(), 1u);
}

TEST(HeartbeatSchedule, EmitsASlotOnceHoweverLateItIsAsked) {
  HeartbeatSchedule schedule(kInterval);
  Random random(1);
  schedule.add(0, 0, random);
  EXPECT_EQ(next(schedule, 10'000).size(), 1u);
  EXPECT_TRUE(next(schedule, 10'000).empty());
}

TEST(HeartbeatSchedule, ForgetsARemovedSlotAndTakesItAgain) {
  HeartbeatSchedule schedule(kInterval);
  Random random(1);
  schedule.add(0, 0, random);
  schedule.remove(0);
  EXPECT_TRUE(next(schedule, 1'000).empty());
  schedule.add(0, 1'000, random);
  EXPECT_EQ(next(schedule, 1'300).size(), 1u);
  EXPECT_EQ(schedule.size(), 1u);
}

TEST(HeartbeatSchedule, OfOneClientFollowsTheSameRule) {
  Random random(2);
  const Instant attached = Instant{} + seconds(100);
  int early = 0;
  for (int i = 0; i < 1'000; ++i) {
    const Instant first = HeartbeatSchedule::first_at(attached, seconds(30), random);
    ASSERT_GE(first, attached);
    ASSERT_LT(first, attached + seconds(30));
    early += first < attached + seconds(15) ? 1 : 0;
  }
  EXPECT_NEAR(early, 500, 60);
  EXPECT_EQ(HeartbeatSchedule::next_at(attached, seconds(30)), attached + seconds(30));
}

}  // namespace
}  // namespace chat
