#include "sim/fleet/fleet_run.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/sim_fleet/fleet_scenario.h"

namespace chat::sim {
namespace {

using ::testing::HasSubstr;

Gate gate(std::string_view text) {
  auto parsed = Gate::parse(text);
  EXPECT_TRUE(parsed) << text;
  return std::move(*parsed);
}

TEST(FleetRun, TellsWhatHappenedAsAResult) {
  FleetOptions options{.scenario = fleet_scenario(), .threads = 2};
  options.scenario.gates = {gate("virtual.heartbeats > users.asked"),
                            gate("sent > 0 in every 60s window"), gate("lost == 0")};
  const auto result = run_fleet(options);
  ASSERT_TRUE(result) << result.error().text;
  EXPECT_EQ(result->mode, "virtual");
  EXPECT_TRUE(result->valid());
  const VirtualFacts& facts = *result->in_virtual_time;
  EXPECT_EQ(facts.depth, "fleet");
  EXPECT_EQ(facts.simulated_s, 4 * 3600);
  EXPECT_EQ(facts.users, 600u);
  EXPECT_EQ(facts.peak_concurrent, result->users_peak);
  EXPECT_GT(facts.occurrences, facts.heartbeats);
  EXPECT_EQ(facts.counters[0].first, "heartbeats");
  EXPECT_EQ(facts.counters[0].second, facts.heartbeats);
  EXPECT_GT(result->totals.sent, 10'000u);
  EXPECT_EQ(result->series.step_s(), 30u);
  EXPECT_EQ(result->series.points().size(), 480u);
  ASSERT_EQ(result->gates.size(), 3u);
  EXPECT_TRUE(result->gates[0].passed);
  EXPECT_GT(result->gates[1].windows, 200u);
  EXPECT_FALSE(result->gates[2].passed) << "nothing is known about it in this depth";
}

TEST(FleetRun, EndsEarlyWithAPartialResultThatSaysSo) {
  std::atomic<bool> stop{false};
  FleetOptions options{.scenario = fleet_scenario(), .threads = 1};
  options.stop = &stop;
  std::vector<uint64_t> digests;
  options.digests = &digests;
  stop = true;
  const auto result = run_fleet(options);
  ASSERT_TRUE(result);
  EXPECT_FALSE(result->valid());
  EXPECT_THAT(result->invalid_reasons[0], HasSubstr("partial"));
  EXPECT_TRUE(digests.empty());
}

TEST(FleetRun, FindsTheFirstWindowThatDiffers) {
  FleetOptions options{.scenario = fleet_scenario(), .threads = 1};
  options.scenario.duration = seconds(600);
  std::vector<uint64_t> digests;
  options.digests = &digests;
  ASSERT_TRUE(run_fleet(options));
  ASSERT_EQ(digests.size(), 20u);
  EXPECT_TRUE(check_fleet_determinism(options, digests).value());
  digests[3] ^= 1;
  const auto different = check_fleet_determinism(options, digests);
  ASSERT_FALSE(different);
  EXPECT_THAT(different.error().text, HasSubstr("between 90 s and 120 s"));
}

TEST(FleetRun, SaysNothingOfASecondRunThatWasStopped) {
  FleetOptions options{.scenario = fleet_scenario(), .threads = 1};
  std::atomic<bool> stop = true;
  options.stop = &stop;
  const auto same = check_fleet_determinism(options, {1, 2, 3});
  ASSERT_TRUE(same);
  EXPECT_FALSE(*same);
}

TEST(FleetRun, NeedsADay) {
  FleetOptions options{.scenario = fleet_scenario(), .threads = 1};
  options.scenario.day = {};
  const auto result = run_fleet(options);
  ASSERT_FALSE(result);
  EXPECT_THAT(result.error().text, HasSubstr("day.sessions"));
}

}  // namespace
}  // namespace chat::sim
