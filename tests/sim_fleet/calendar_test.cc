#include "sim/fleet/calendar.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>

namespace chat::sim {
namespace {

TEST(Calendar, GivesEveryEntryOnceInItsUnit) {
  Calendar calendar(10);
  for (uint32_t entry = 0; entry < 1'000; ++entry) calendar.add(entry % 10, entry);
  for (uint32_t unit = 0; unit < 10; ++unit) {
    std::vector<uint32_t> taken{7};
    calendar.take(unit, taken);
    ASSERT_EQ(taken.size(), 101u);
    EXPECT_EQ(taken[0], 7u) << "it appends";
    EXPECT_TRUE(std::all_of(taken.begin() + 1, taken.end(),
                            [&](uint32_t entry) { return entry % 10 == unit; }));
    std::sort(taken.begin() + 1, taken.end());
    EXPECT_EQ(std::unique(taken.begin() + 1, taken.end()), taken.end());
    calendar.take(unit, taken);
    EXPECT_EQ(taken.size(), 101u);
  }
}

TEST(Calendar, UsesItsMemoryAgain) {
  Calendar calendar(100);
  calendar.reserve(1'000);
  const size_t bytes = calendar.memory_bytes();
  std::vector<uint32_t> taken;
  for (uint32_t unit = 0; unit + 1 < 100; ++unit) {
    for (uint32_t entry = 0; entry < 1'000; ++entry) calendar.add(unit + 1, entry);
    taken.clear();
    calendar.take(unit + 1, taken);
    EXPECT_EQ(taken.size(), 1'000u);
  }
  EXPECT_EQ(calendar.memory_bytes(), bytes);
}

}  // namespace
}  // namespace chat::sim
