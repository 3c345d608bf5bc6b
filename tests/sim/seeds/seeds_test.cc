#include <gtest/gtest.h>

#include "sim/seeds/seed_run.h"

namespace chat::sim {
namespace {

class RandomWorlds : public ::testing::TestWithParam<uint64_t> {};

// The long run is the program sim-seeds.
INSTANTIATE_TEST_SUITE_P(Seeds, RandomWorlds, ::testing::Range<uint64_t>(1, 51, 10));

TEST_P(RandomWorlds, EndWithNothingToFind) {
  for (uint64_t seed = GetParam(); seed < GetParam() + 10; ++seed) {
    const SeedResult result = run_seed({.seed = seed});
    EXPECT_TRUE(result.passed()) << "seed " << seed << ": " << result.describe();
    EXPECT_GT(result.oracle.counts.delivered, 100u);
    EXPECT_GT(result.oracle.counts.acked, 50u);
  }
}

TEST_P(RandomWorlds, EndWithNothingToFindWhateverNetworkDiskAndProcessorAreLike) {
  for (uint64_t seed = GetParam(); seed < GetParam() + 5; ++seed) {
    const SeedResult result = run_seed({.seed = seed, .models = true});
    EXPECT_TRUE(result.passed()) << "seed " << seed << ": " << result.describe();
    EXPECT_GT(result.oracle.counts.delivered, 100u);
  }
}

TEST(RandomWorld, RepeatsByteForByteWithModels) {
  const uint64_t first = run_seed({.seed = 7, .models = true}).digest;
  EXPECT_EQ(first, run_seed({.seed = 7, .models = true}).digest);
  EXPECT_NE(first, run_seed({.seed = 7}).digest);
}

TEST(RandomWorld, RepeatsByteForByteWithTheSameSeedWhateverTheNumberOfEngines) {
  for (const std::vector<int>& engines : {std::vector{1}, std::vector{1, 1}, std::vector{2, 1}}) {
    const uint64_t first = run_seed({.seed = 7, .engines_of_process = engines}).digest;
    EXPECT_EQ(first, run_seed({.seed = 7, .engines_of_process = engines}).digest);
    EXPECT_NE(first, run_seed({.seed = 8, .engines_of_process = engines}).digest);
  }
}

TEST(RandomWorld, PassesWithoutFaultsOnOneEngine) {
  const SeedResult result = run_seed({.seed = 1, .engines_of_process = {1}, .faults = false});
  EXPECT_TRUE(result.passed()) << result.describe();
  EXPECT_EQ(result.crashes, 0u);
}

}  // namespace
}  // namespace chat::sim
