#include "sim/scenario/fault_plan.h"

#include <gtest/gtest.h>

#include <set>
#include <tuple>
#include <utility>
#include <vector>

namespace chat::sim {
namespace {

constexpr Duration kLength = minutes(60);

std::vector<Fault> faults_of(const std::vector<FaultRule>& rules, uint64_t seed,
                             uint32_t processes = 3) {
  FaultPlan plan(rules, processes, kLength, Random(seed));
  std::vector<Fault> faults;
  while (const auto fault = plan.next()) faults.push_back(*fault);
  return faults;
}

FaultRule once(FaultKind kind, Duration at) {
  FaultRule rule;
  rule.kind = kind;
  rule.at = at;
  return rule;
}

FaultRule often(FaultKind kind, Duration every) {
  FaultRule rule;
  rule.kind = kind;
  rule.every = every;
  return rule;
}

TEST(FaultPlan, BringsWhatHasATimeAtThatTimeAndOnce) {
  const auto faults =
      faults_of({once(FaultKind::store_stall, seconds(9)), once(FaultKind::crash, seconds(3)),
                 once(FaultKind::slow_disk, seconds(9))},
                1);
  ASSERT_EQ(faults.size(), 3u);
  EXPECT_EQ(faults[0].kind, FaultKind::crash);
  EXPECT_EQ(faults[0].at, seconds(3));
  EXPECT_EQ(faults[1].kind, FaultKind::store_stall);
  EXPECT_EQ(faults[2].kind, FaultKind::slow_disk);
  EXPECT_EQ(faults[2].factor, 10);
}

TEST(FaultPlan, BringsWhatHasARateInOrderAndAboutAsOften) {
  const auto faults = faults_of(
      {often(FaultKind::crash, seconds(10)), often(FaultKind::partition, seconds(30))}, 1);
  // 480 are expected; five standard deviations are 110.
  EXPECT_GT(faults.size(), 370u);
  EXPECT_LT(faults.size(), 590u);
  for (size_t i = 1; i < faults.size(); ++i) EXPECT_LE(faults[i - 1].at, faults[i].at);
  EXPECT_LT(faults.back().at, kLength);
}

TEST(FaultPlan, IsTheSameForTheSameSeedAndAnotherForAnother) {
  const std::vector<FaultRule> rules{often(FaultKind::crash, seconds(60))};
  const auto trace = [&](uint64_t seed) {
    std::vector<std::tuple<int64_t, uint32_t, uint64_t>> out;
    for (const Fault& fault : faults_of(rules, seed)) {
      out.emplace_back(fault.at.ns, fault.process, fault.draw);
    }
    return out;
  };
  EXPECT_EQ(trace(1), trace(1));
  EXPECT_NE(trace(1), trace(2));
}

TEST(FaultPlan, AFurtherRuleDoesNotMoveTheOthers) {
  const FaultRule rule = often(FaultKind::crash, seconds(60));
  const auto alone = faults_of({rule}, 1);
  size_t same = 0;
  for (const Fault& fault : faults_of({rule, often(FaultKind::drop, seconds(7))}, 1)) {
    if (fault.kind != FaultKind::crash) continue;
    ASSERT_LT(same, alone.size());
    EXPECT_EQ(fault.at, alone[same].at);
    EXPECT_EQ(fault.process, alone[same++].process);
  }
  EXPECT_EQ(same, alone.size());
}

TEST(FaultPlan, MeansAnyProcessUnlessOneIsNamed) {
  std::set<uint32_t> hit;
  for (const Fault& fault : faults_of({often(FaultKind::crash, seconds(20))}, 1)) {
    hit.insert(fault.process);
  }
  EXPECT_EQ(hit, (std::set<uint32_t>{0, 1, 2}));
  FaultRule second = often(FaultKind::crash, seconds(20));
  second.process = 2;
  for (const Fault& fault : faults_of({second}, 1)) EXPECT_EQ(fault.process, 1u);
}

TEST(FaultPlan, PartsTwoDifferentProcesses) {
  std::set<std::pair<uint32_t, uint32_t>> parted;
  for (const Fault& fault : faults_of({often(FaultKind::partition, seconds(10))}, 1)) {
    parted.emplace(fault.process, fault.other);
  }
  EXPECT_EQ(parted, (std::set<std::pair<uint32_t, uint32_t>>{
                        {0, 1}, {0, 2}, {1, 0}, {1, 2}, {2, 0}, {2, 1}}));
}

}  // namespace
}  // namespace chat::sim
