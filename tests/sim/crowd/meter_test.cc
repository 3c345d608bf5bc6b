#include "sim/crowd/meter.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>

namespace chat::sim {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

/// A generator that uses nothing, and a server that says nothing.
class NoUsage : public UsageSource {
 public:
  ProcessUse generator() const override { return {}; }
  std::optional<ServerSample> server() const override { return std::nullopt; }
};

/// A meter on a clock of its own.
class MeterTest : public ::testing::Test {
 protected:
  Meter& begin() {
    meter_.emplace(scenario_, usage_);
    meter_->begin_ramp({}, {});
    return *meter_;
  }
  void pass(int64_t seconds_passed) {
    now_ = now_ + seconds(seconds_passed);
    wall_ = wall_ + seconds(seconds_passed);
    meter_->tick(now_, wall_, 5);
  }
  RunResult finish() {
    RunResult result;
    meter_->finish(result);
    return result;
  }

  Scenario scenario_;
  NoUsage usage_;
  std::optional<Meter> meter_;
  Instant now_;
  WallTime wall_;
};

TEST_F(MeterTest, CountsOnlyTheRunPhaseAsTotals) {
  Meter& meter = begin();
  meter.now().sent = 3;
  pass(1);
  meter.begin_run(now_);
  meter.now().sent = 10;
  pass(1);
  meter.now().sent = 20;
  pass(1);
  meter.end_run(now_);
  meter.now().reconnects = 4;
  pass(1);
  const RunResult result = finish();
  EXPECT_EQ(result.totals.sent, 30u);
  EXPECT_EQ(result.totals.length, seconds(2));
  EXPECT_EQ(result.totals.reconnects, 4u);
  EXPECT_EQ(result.users_peak, 5u);
  EXPECT_EQ(result.series.points().size(), 4u);
  EXPECT_THAT(result.invalid_reasons, IsEmpty());
  EXPECT_FALSE(result.server) << "nobody answered there";
}

TEST_F(MeterTest, FindsItsOwnSendsTooLate) {
  Meter& meter = begin();
  meter.begin_run(now_);
  for (int i = 0; i < 100; ++i) meter.now().lag.record(seconds(1).ns);
  pass(1);
  EXPECT_THAT(finish().invalid_reasons, Contains(HasSubstr("wrote its sends")));
}

TEST_F(MeterTest, FindsThatItStoodStill) {
  Meter& meter = begin();
  meter.note_wake_up(milliseconds(300));
  EXPECT_THAT(finish().invalid_reasons, IsEmpty());
  meter.note_wake_up(milliseconds(3'200));
  EXPECT_THAT(finish().invalid_reasons, Contains(HasSubstr("stood still for 3.2 s")));
}

TEST_F(MeterTest, FindsThatTheClockJumped) {
  begin();
  pass(1);
  wall_ = wall_ + seconds(-30);
  pass(1);
  EXPECT_THAT(finish().invalid_reasons, Contains(HasSubstr("jumped by -30.0 s")));
}

TEST_F(MeterTest, NamesAReasonOnce) {
  Meter& meter = begin();
  meter.invalidate("no more ports");
  meter.invalidate("no more ports");
  EXPECT_EQ(finish().invalid_reasons.size(), 1u);
}

TEST_F(MeterTest, ClimbsTheLadderUntilAStepFails) {
  scenario_.ladder = {.rates_per_s = {10, 20, 40}, .hold = seconds(2), .pass = {}};
  scenario_.ladder.pass.push_back(*Gate::parse("latency.response.p99 < 100ms"));
  Meter& meter = begin();
  meter.begin_run(now_);
  for (const int64_t latency_ms : {10, 20, 30, 500}) {
    EXPECT_FALSE(meter.ladder_over());
    meter.now().response.record(milliseconds(latency_ms).ns);
    meter.now().sent = 10;
    pass(1);
  }
  EXPECT_TRUE(meter.ladder_over());
  const RunResult result = finish();
  ASSERT_EQ(result.ladder.size(), 2u);
  EXPECT_TRUE(result.ladder[0].passed);
  EXPECT_FALSE(result.ladder[1].passed);
  ASSERT_NE(result.best_step(), nullptr);
  EXPECT_EQ(result.best_step()->rate_per_s, 10);
  EXPECT_EQ(result.metric("ladder.rate"), 10);
}

}  // namespace
}  // namespace chat::sim
