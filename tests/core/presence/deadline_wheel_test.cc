#include "core/presence/deadline_wheel.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "core/base/random.h"

namespace chat {
namespace {

std::vector<uint32_t> collect(DeadlineWheel& wheel, uint32_t tick) {
  std::vector<uint32_t> due;
  wheel.collect(tick, due);
  std::sort(due.begin(), due.end());
  return due;
}

void postpone(DeadlineWheel& wheel, uint32_t slot, uint32_t deadline) {
  wheel.postpone(std::span(&slot, 1), deadline);
}

TEST(DeadlineWheel, CollectsAtTheDeadlineAndNeverBefore) {
  DeadlineWheel wheel(100);
  wheel.insert(3, 50);
  EXPECT_EQ(wheel.next_due(), 50u);
  EXPECT_TRUE(collect(wheel, 49).empty());
  EXPECT_EQ(collect(wheel, 50), std::vector<uint32_t>{3});
  EXPECT_FALSE(wheel.contains(3));
  EXPECT_FALSE(wheel.next_due());
}

TEST(DeadlineWheel, CollectsAPostponedSlotAtItsLastDeadline) {
  DeadlineWheel wheel(100);
  wheel.insert(0, 50);
  postpone(wheel, 0, 90);
  postpone(wheel, 0, 120);
  EXPECT_TRUE(collect(wheel, 119).empty());
  EXPECT_EQ(wheel.size(), 1u);
  EXPECT_EQ(collect(wheel, 120), std::vector<uint32_t>{0});
}

TEST(DeadlineWheel, LeavesAnErasedSlotAlone) {
  DeadlineWheel wheel(100);
  wheel.insert(0, 50);
  wheel.erase(0);
  wheel.erase(0);
  wheel.erase(77);
  postpone(wheel, 0, 60);
  EXPECT_TRUE(collect(wheel, 1'000).empty());
  EXPECT_EQ(wheel.size(), 0u);
}

TEST(DeadlineWheel, TakesAnEarlierDeadlineByInsert) {
  DeadlineWheel wheel(100);
  wheel.insert(0, 90);
  wheel.insert(0, 20);
  EXPECT_EQ(collect(wheel, 20), std::vector<uint32_t>{0});
  EXPECT_TRUE(collect(wheel, 200).empty());
}

TEST(DeadlineWheel, StartsLateInTheDriversTime) {
  DeadlineWheel wheel(100);
  wheel.insert(0, 1'000'050);
  EXPECT_TRUE(collect(wheel, 1'000'000).empty());
  EXPECT_EQ(wheel.next_due(), 1'000'050u);
  EXPECT_EQ(collect(wheel, 1'000'050).size(), 1u);
}

TEST(DeadlineWheel, AgreesWithAMapUnderRandomUse) {
  for (uint64_t seed = 1; seed <= 200; ++seed) {
    SCOPED_TRACE(seed);
    Random random(seed);
    const auto span = static_cast<uint32_t>(random.between(1, 80));
    DeadlineWheel wheel(span);
    std::map<uint32_t, uint32_t> model;
    uint32_t tick = 0;
    for (int step = 0; step < 2'000; ++step) {
      const auto slot = static_cast<uint32_t>(random.below(60));
      const auto ahead = static_cast<uint32_t>(1 + random.below(span * 2));
      switch (random.below(5)) {
        case 0:
          wheel.insert(slot, tick + ahead);
          model[slot] = tick + ahead;
          break;
        case 1:
          wheel.erase(slot);
          model.erase(slot);
          break;
        case 2:
        case 3:
          if (model.contains(slot) && model[slot] <= tick + ahead) {
            postpone(wheel, slot, tick + ahead);
            model[slot] = tick + ahead;
          }
          break;
        default: {
          // Mostly small steps, now and then a jump over several rounds of the wheel.
          tick += static_cast<uint32_t>(random.below(random.chance(1, 20) ? span * 5 : 4));
          std::vector<uint32_t> expected;
          for (const auto& [s, deadline] : model) {
            if (deadline <= tick) expected.push_back(s);
          }
          const auto due = collect(wheel, tick);
          ASSERT_EQ(due, expected);
          for (uint32_t s : due) model.erase(s);
        }
      }
      ASSERT_EQ(wheel.size(), model.size());
      if (const auto next = wheel.next_due()) {
        for (const auto& [s, deadline] : model) ASSERT_LE(*next, std::max(deadline, tick + 1));
      }
    }
  }
}

TEST(DeadlineWheel, NeedsLittleMemoryAndNoMoreOverTime) {
  DeadlineWheel wheel(750);
  Random random(1);
  constexpr uint32_t kSlots = 100'000;
  wheel.reserve(kSlots);
  std::vector<uint32_t> slots(kSlots), due;
  for (uint32_t slot = 0; slot < kSlots; ++slot) {
    slots[slot] = slot;
    wheel.insert(slot, static_cast<uint32_t>(random.below(750)));
  }
  const size_t memory = wheel.memory_bytes();
  EXPECT_LE(memory, size_t{14} * kSlots);
  for (uint32_t tick = 1; tick < 5'000; ++tick) {
    wheel.postpone(std::span(slots).subspan(tick * 20, 20), tick + 750);
    wheel.collect(tick, due);
    for (uint32_t slot : due) wheel.insert(slot, tick + 750);
    due.clear();
  }
  EXPECT_EQ(wheel.memory_bytes(), memory);
}

}  // namespace
}  // namespace chat
