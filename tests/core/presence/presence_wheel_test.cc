#include "core/presence/presence_wheel.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "core/base/random.h"

namespace chat {
namespace {

std::vector<uint32_t> sweep(PresenceWheel& wheel, uint32_t tick) {
  std::vector<uint32_t> expired;
  wheel.sweep(tick, expired);
  return expired;
}

TEST(PresenceWheel, LosesASlotAfterTheTimeoutOfSilence) {
  PresenceWheel wheel(750);
  wheel.add(0, 10);
  const uint32_t slot = 0;
  wheel.refresh(std::span(&slot, 1), 300);
  EXPECT_EQ(wheel.last_tick(0), 300u);
  EXPECT_TRUE(sweep(wheel, 1'049).empty());
  EXPECT_EQ(sweep(wheel, 1'050), std::vector<uint32_t>{0});
  EXPECT_FALSE(wheel.contains(0));
  EXPECT_TRUE(sweep(wheel, 5'000).empty());
}

TEST(PresenceWheel, RefreshOfARemovedSlotHasNoEffect) {
  PresenceWheel wheel(750);
  wheel.add(0, 10);
  wheel.remove(0);
  const uint32_t slot = 0;
  wheel.refresh(std::span(&slot, 1), 20);
  EXPECT_FALSE(wheel.contains(0));
  EXPECT_TRUE(sweep(wheel, 5'000).empty());
}

TEST(PresenceWheel, ReportsTheLostByLastSignOfLifeThenSlot) {
  PresenceWheel wheel(10);
  wheel.add(7, 3);
  wheel.add(2, 5);
  wheel.add(9, 3);
  wheel.add(1, 4);
  EXPECT_EQ(sweep(wheel, 100), (std::vector<uint32_t>{7, 9, 1, 2}));
}

TEST(PresenceWheel, IsNeverEarlyAndAtMostTwoTicksLate) {
  const TickScale scale;
  const Duration interval = seconds(30), timeout = interval * 5 / 2;
  Random random(3);
  for (int i = 0; i < 300; ++i) {
    PresenceWheel wheel(PresenceWheel::timeout_ticks(interval, scale));
    const Instant last =
        Instant{} + nanoseconds(static_cast<int64_t>(random.below(1'000'000'000'000)));
    wheel.add(0, scale.round_up(last));
    const Instant early = last + timeout - nanoseconds(1);
    ASSERT_TRUE(sweep(wheel, scale.round_down(early)).empty());
    const Instant due = scale.start_of(*wheel.next_sweep());
    ASSERT_LE(due, last + timeout + scale.length * 2);
    ASSERT_EQ(sweep(wheel, scale.round_down(last + timeout + scale.length * 2)).size(), 1u);
  }
}

TEST(PresenceWheel, KeepsASlotWithinSixteenBytes) {
  PresenceWheel wheel(750);
  EXPECT_EQ(wheel.bytes_per_slot(), 0);
  wheel.reserve(1'000'000);
  for (uint32_t slot = 0; slot < 1'000'000; ++slot) wheel.add(slot, slot % 300);
  EXPECT_LE(wheel.bytes_per_slot(), 16.0);
}

TEST(TickScale, RoundsStartsUpAndChecksDown) {
  const TickScale scale{.length = milliseconds(100)};
  EXPECT_EQ(scale.round_up(Instant{} + milliseconds(101)), 2u);
  EXPECT_EQ(scale.round_down(Instant{} + milliseconds(199)), 1u);
  EXPECT_EQ(scale.span(milliseconds(150)), 2u);
  EXPECT_EQ(scale.start_of(2), Instant{} + milliseconds(200));
}

}  // namespace
}  // namespace chat
