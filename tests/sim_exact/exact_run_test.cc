#include "sim/exact/exact_run.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>

#include "sim/report/result_json.h"

namespace chat::sim {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;

/// Everything that users do, within some seconds.
Scenario busy_scenario() {
  Scenario scenario;
  scenario.name = "busy";
  scenario.users = 60;
  scenario.arrival.over = seconds(2);
  scenario.duration = seconds(10);
  scenario.json_share = 0.5;
  scenario.chats = {.direct_per_user = 2,
                    .groups = 10,
                    .group_size = {.min = 3, .max = 12},
                    .rooms = 1,
                    .room_size = 40};
  scenario.sends.per_user_per_s = 0.7;
  scenario.changes = {.edits_per_s = 0.1, .deletions_per_s = 0.1, .reactions_per_s = 0.1};
  scenario.leaves.per_user_per_s = 0.02;
  scenario.reads.every = seconds(3);
  scenario.drops = {.users_share = 0.5, .every = seconds(4), .away_max = seconds(2)};
  scenario.presence.every = seconds(4);
  scenario.history.every = seconds(3);
  return scenario;
}

RunResult run(const Scenario& scenario) {
  auto result = run_exact({.scenario = scenario, .progress = {}});
  EXPECT_TRUE(result) << result.error().text;
  return std::move(*result);
}

void expect_all_delivered(const RunResult& result) {
  EXPECT_TRUE(result.oracle.clean()) << result_json(result);
  EXPECT_TRUE(result.valid());
  const OracleCounts& counts = result.oracle.counts;
  EXPECT_GT(counts.sent, 0u);
  EXPECT_EQ(counts.acked + counts.refused, counts.sent);
  EXPECT_EQ(counts.delivered, counts.expected_deliveries);
  EXPECT_EQ(counts.not_sent, 0u);
}

TEST(ExactRun, LosesNothingOfAllThatUsersDo) {
  const RunResult result = run(busy_scenario());
  expect_all_delivered(result);
  EXPECT_EQ(result.mode, "virtual");
  EXPECT_EQ(result.users_peak, 60u);
  EXPECT_GT(result.totals.reconnects, 20u);
  EXPECT_GT(result.oracle.counts.edits.acked, 20u);
  EXPECT_GT(result.oracle.counts.leaves, 0u);
  EXPECT_EQ(result.phases.size(), 5u);
  EXPECT_EQ(result.phases[2].length, seconds(10));
  ASSERT_TRUE(result.server);
  EXPECT_GT(result.server->cpu_s, 0);
  ASSERT_TRUE(result.in_virtual_time);
  EXPECT_EQ(result.in_virtual_time->depth, "exact");
  EXPECT_EQ(result.in_virtual_time->peak_concurrent, 60u);
  EXPECT_GT(result.in_virtual_time->heartbeats, 0u);
}

TEST(ExactRun, LosesNothingThroughEveryFault) {
  Scenario scenario = busy_scenario();
  scenario.virtual_setup.processes = 3;
  for (const FaultKind kind : kFaultKinds) {
    FaultRule rule;
    rule.kind = kind;
    rule.every = seconds(4);
    rule.lasts = seconds(1);
    rule.share = 0.3;
    rule.ahead = seconds(2);
    scenario.faults.push_back(rule);
  }
  const RunResult result = run(scenario);
  EXPECT_TRUE(result.oracle.clean()) << result_json(result);
  EXPECT_EQ(result.oracle.counts.delivered, result.oracle.counts.expected_deliveries);
  EXPECT_THAT(result.notes, Not(Contains(HasSubstr("not at head"))));
}

TEST(ExactRun, IsTheSameTwiceAndAnotherOneWithAnotherSeed) {
  ExactOptions options{.scenario = busy_scenario(), .progress = {}};
  options.scenario.virtual_setup.processes = 2;
  ExactTrace trace;
  ASSERT_TRUE(run_exact(options, &trace));
  EXPECT_GT(trace.marks.size(), 10u);
  const auto same = check_exact_determinism(options, trace);
  ASSERT_TRUE(same) << same.error().text;
  EXPECT_TRUE(*same);
  options.scenario.seed = 2;
  const auto other = check_exact_determinism(options, trace);
  ASSERT_FALSE(other);
  EXPECT_THAT(other.error().text, HasSubstr("differ first in prepare"));
  trace.marks.clear();
  EXPECT_FALSE(check_exact_determinism(options, trace));
}

TEST(ExactRun, SaysNothingOfASecondRunThatWasStopped) {
  ExactOptions options{.scenario = busy_scenario(), .progress = {}};
  ExactTrace trace;
  ASSERT_TRUE(run_exact(options, &trace));
  const std::atomic<bool> stop = true;
  options.stop = &stop;
  const auto same = check_exact_determinism(options, trace);
  ASSERT_TRUE(same) << same.error().text;
  EXPECT_FALSE(*same);
}

TEST(ExactRun, LetsNobodyComeAnyMoreWhenItIsStoppedInTheRamp) {
  const std::atomic<bool> stop = true;
  const auto result = run_exact({.scenario = busy_scenario(), .progress = {}, .stop = &stop});
  ASSERT_TRUE(result);
  EXPECT_THAT(result->invalid_reasons, Contains(HasSubstr("partial")));
  EXPECT_EQ(result->users_peak, 0u);
  EXPECT_THAT(result->notes, Not(Contains(HasSubstr("not at head"))));
}

TEST(ExactRun, JudgesGatesOnWhatOnlyVirtualTimeHas) {
  Scenario scenario = busy_scenario();
  for (const char* text : {"virtual.heartbeats > 0", "virtual.peak_concurrent == 60"}) {
    scenario.gates.push_back(Gate::parse(text).value());
  }
  const RunResult result = run(scenario);
  ASSERT_EQ(result.gates.size(), 2u);
  EXPECT_TRUE(result.gates_passed()) << result_json(result);
}

TEST(ExactRun, TakesAsLongOnTheWireAsTheNetworkSays) {
  Scenario scenario = busy_scenario();
  scenario.drops = {};
  scenario.leaves = {};
  scenario.virtual_setup.client.up.delay = milliseconds(30);
  scenario.virtual_setup.client.down.delay = milliseconds(50);
  const RunResult result = run(scenario);
  expect_all_delivered(result);
  EXPECT_GT(result.totals.service.min(), milliseconds(80).ns);
}

TEST(ExactRun, SurvivesAStormAndTellsTheRecovery) {
  Scenario scenario = busy_scenario();
  scenario.storm = {.at = seconds(4), .users_share = 1};
  const RunResult result = run(scenario);
  expect_all_delivered(result);
  ASSERT_TRUE(result.storm);
  EXPECT_GT(result.storm->dropped, 40u);
  EXPECT_TRUE(result.storm->full_recovery());
}

TEST(ExactRun, EndsEarlyWithAResultThatSaysSo) {
  const std::atomic<bool> stop = true;
  const auto result = run_exact({.scenario = busy_scenario(), .progress = {}, .stop = &stop});
  ASSERT_TRUE(result);
  EXPECT_FALSE(result->valid());
  EXPECT_THAT(result->invalid_reasons, Contains(HasSubstr("partial")));
}

TEST(ExactRun, RefusesWhatItDoesNotHaveWithTheRemedy) {
  Scenario scenario = busy_scenario();
  scenario.slow_readers.users_share = 0.1;
  EXPECT_THAT(run_exact({.scenario = scenario, .progress = {}}).error().text,
              HasSubstr("--target"));
}

}  // namespace
}  // namespace chat::sim
