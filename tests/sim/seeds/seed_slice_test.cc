#include "sim/seeds/seed_slice.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace chat::sim {
namespace {

SeedSlice slice(uint64_t first, uint64_t count, const std::string& core = "a") {
  SeedSlice slice;
  slice.first = first;
  slice.count = count;
  slice.failed = 1;
  slice.cpu_s = 2;
  slice.core_digest = core;
  slice.date = "2026-11-" + std::to_string(10 + first);
  slice.rare_paths.add(RarePath::lagged, count);
  return slice;
}

TEST(SeedSlice, IsJoinedWithTheNeighboursOnBothSides) {
  std::vector<SeedSlice> slices;
  ASSERT_TRUE(add_slice(slices, slice(1, 4)));
  ASSERT_TRUE(add_slice(slices, slice(8, 2)));
  ASSERT_EQ(slices.size(), 2u);
  ASSERT_TRUE(add_slice(slices, slice(5, 3)));
  ASSERT_EQ(slices.size(), 1u);
  EXPECT_EQ(slices[0].first, 1u);
  EXPECT_EQ(slices[0].count, 9u);
  EXPECT_EQ(slices[0].failed, 3u);
  EXPECT_EQ(slices[0].cpu_s, 6);
  EXPECT_EQ(slices[0].date, "2026-11-18");
  EXPECT_EQ(slices[0].rare_paths.of(RarePath::lagged), 9u);
}

TEST(SeedSlice, DoesNotCountASeedTwice) {
  std::vector<SeedSlice> slices{slice(5, 5)};
  EXPECT_FALSE(add_slice(slices, slice(9, 1)));
  EXPECT_FALSE(add_slice(slices, slice(1, 5)));
  EXPECT_FALSE(add_slice(slices, slice(1, 50)));
  EXPECT_EQ(slices.size(), 1u);
  EXPECT_EQ(slices[0].count, 5u);
}

TEST(SeedSlice, OfAnotherCoreTakesTheirPlace) {
  std::vector<SeedSlice> slices{slice(1, 5), slice(9, 1)};
  ASSERT_TRUE(add_slice(slices, slice(3, 1, "b")));
  ASSERT_EQ(slices.size(), 1u);
  EXPECT_EQ(slices[0].core_digest, "b");
}

TEST(RarePaths, AreNeglectedBelowOnceInTenSeeds) {
  RarePathCounts counts;
  EXPECT_EQ(neglected_paths(counts, 9).size(), 0u);
  EXPECT_EQ(neglected_paths(counts, 10).size(), kRarePaths);
  for (size_t i = 0; i < kRarePaths; ++i) counts.add(static_cast<RarePath>(i), 100);
  EXPECT_EQ(neglected_paths(counts, 1'009).size(), 0u);
  EXPECT_EQ(neglected_paths(counts, 1'010).size(), kRarePaths);
}

TEST(RarePaths, HaveNamesOfTheirOwn) {
  std::set<std::string> names;
  for (size_t i = 0; i < kRarePaths; ++i) names.insert(name_of(static_cast<RarePath>(i)));
  EXPECT_EQ(names.size(), kRarePaths);
  EXPECT_FALSE(names.contains("?"));
}

}  // namespace
}  // namespace chat::sim
