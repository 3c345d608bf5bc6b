#include <gtest/gtest.h>

#include "core/wire/chat.pb.h"
#include "core/wire/frame_codec.h"
#include "sim/seeds/seed_run.h"
#include "tests/sim/seeds/planted_bugs.h"

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

// Runs seeds with a planted bug until `finds` says that a world has found it.
class PlantedBug : public ::testing::Test {
 protected:
  static constexpr uint64_t kSeeds = 30;

  template <class Finds>
  static bool is_found(SeedOptions options, Finds finds) {
    for (uint64_t seed = 1; seed <= kSeeds; ++seed) {
      options.seed = seed;
      if (finds(run_seed(options))) return true;
    }
    return false;
  }

  template <class Store>
  static SeedOptions with_store() {
    SeedOptions options;
    options.make_store = [](uint64_t epoch) { return std::make_unique<Store>(epoch); };
    return options;
  }

  static SeedOptions forgetting(ForgetfulStore::Forgets forgets) {
    SeedOptions options;
    options.make_store = [forgets](uint64_t epoch) {
      return std::make_unique<ForgetfulStore>(epoch, forgets);
    };
    options.on_crash = [](ChatStore& store) { static_cast<ForgetfulStore&>(store).crash(); };
    return options;
  }
};

TEST_F(PlantedBug, AcknowledgingBeforeTheStoreIsFound) {
  EXPECT_TRUE(is_found(forgetting(ForgetfulStore::Forgets::appends), [](const SeedResult& result) {
    return result.oracle.counts.lost > 0 && !result.passed();
  }));
}

TEST_F(PlantedBug, AnInboxSeqUsedAgainAfterACrashIsFound) {
  const SeedOptions options = forgetting(ForgetfulStore::Forgets::inbox_writes);
  EXPECT_TRUE(is_found(options, [](const SeedResult& result) {
    return std::any_of(result.violations.begin(), result.violations.end(), [](const auto& text) {
      return text.find("was two entries") != std::string::npos;
    });
  }));
}

TEST_F(PlantedBug, FanOutThatIsNotDrivenAgainIsFound) {
  EXPECT_TRUE(is_found(with_store<FannedOutStore>(),
                       [](const SeedResult& result) { return result.oracle.counts.lost > 0; }));
}

TEST_F(PlantedBug, AKeyThatIsNotCheckedAfterARestartIsFound) {
  EXPECT_TRUE(is_found(with_store<KeylessStore>(), [](const SeedResult& result) {
    return result.oracle.counts.duplicate > 0;
  }));
}

// The server says `done` on every page, so that a device is live before it has read to the head.
TEST_F(PlantedBug, LiveBeforeThePageReachedTheHeadIsFound) {
  SeedOptions options;
  options.tamper = [](std::string& message) {
    v1::ServerBatch batch;
    if (!batch.ParseFromString(message)) return;
    for (v1::ServerFrame& frame : *batch.mutable_frames()) {
      if (frame.has_sync_page()) frame.mutable_sync_page()->set_done(true);
    }
    batch.SerializeToString(&message);
  };
  EXPECT_TRUE(
      is_found(options, [](const SeedResult& result) { return result.oracle.counts.lost > 0; }));
}

}  // namespace
}  // namespace chat::sim
