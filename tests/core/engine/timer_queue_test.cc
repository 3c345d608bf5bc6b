#include "core/engine/timer_queue.h"

#include <gtest/gtest.h>

#include <map>

#include "core/base/random.h"

namespace chat {
namespace {

Instant at(int64_t ms) { return Instant{} + milliseconds(ms); }

TEST(TimerQueue, FiresByDeadlineThenByArmingOrder) {
  TimerQueue timers;
  timers.arm(at(20), {.kind = 1, .id = 1});
  timers.arm(at(10), {.kind = 1, .id = 2});
  timers.arm(at(10), {.kind = 1, .id = 3});
  EXPECT_EQ(timers.next_deadline(), at(10));
  EXPECT_EQ(timers.pop_due(at(30))->id, 2u);
  EXPECT_EQ(timers.pop_due(at(30))->id, 3u);
  EXPECT_EQ(timers.pop_due(at(30))->id, 1u);
  EXPECT_FALSE(timers.pop_due(at(30)));
  EXPECT_EQ(timers.next_deadline(), kNever);
}

TEST(TimerQueue, NeverFiresEarly) {
  TimerQueue timers;
  timers.arm(at(10), {});
  EXPECT_FALSE(timers.pop_due(at(10) - nanoseconds(1)));
  EXPECT_TRUE(timers.pop_due(at(10)));
}

TEST(TimerQueue, ForgetsACancelledTimerAndItsDeadline) {
  TimerQueue timers;
  const TimerHandle first = timers.arm(at(10), {.id = 1});
  timers.arm(at(20), {.id = 2});
  EXPECT_TRUE(timers.cancel(first));
  EXPECT_FALSE(timers.cancel(first));
  EXPECT_EQ(timers.next_deadline(), at(20));
  EXPECT_EQ(timers.size(), 1u);
}

TEST(TimerQueue, HandleOfAFiredTimerDoesNotCancelItsSuccessor) {
  TimerQueue timers;
  const TimerHandle fired = timers.arm(at(1), {});
  ASSERT_TRUE(timers.pop_due(at(1)));
  const TimerHandle next = timers.arm(at(2), {});
  EXPECT_FALSE(timers.cancel(fired));
  EXPECT_FALSE(timers.cancel(TimerHandle{}));
  EXPECT_TRUE(timers.cancel(next));
}

TEST(TimerQueue, AgreesWithASortedMapUnderRandomUse) {
  Random random(7);
  TimerQueue timers;
  std::map<std::pair<int64_t, uint64_t>, TimerHandle> model;
  uint64_t armed = 0;
  Instant now{};
  for (int step = 0; step < 20'000; ++step) {
    const uint64_t choice = random.below(10);
    if (choice < 5) {
      const Instant deadline = now + milliseconds(static_cast<int64_t>(random.below(50)));
      model[{deadline.ns, armed}] = timers.arm(deadline, {.id = armed});
      ++armed;
    } else if (choice < 8 && !model.empty()) {
      auto it = model.lower_bound({now.ns + static_cast<int64_t>(random.below(50'000'000)), 0});
      if (it == model.end()) it = model.begin();
      ASSERT_TRUE(timers.cancel(it->second));
      model.erase(it);
    } else {
      now = now + milliseconds(static_cast<int64_t>(random.below(10)));
      while (const auto event = timers.pop_due(now)) {
        ASSERT_FALSE(model.empty());
        ASSERT_EQ(event->id, model.begin()->first.second);
        model.erase(model.begin());
      }
    }
    ASSERT_EQ(timers.size(), model.size());
    ASSERT_EQ(timers.next_deadline().ns, model.empty() ? kNever.ns : model.begin()->first.first);
  }
}

}  // namespace
}  // namespace chat
