#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <set>

#include "core/base/random.h"
#include "sim/report/html_report.h"
#include "sim/report/result_json.h"
#include "sim/report/summary.h"
#include "tests/sim/report/sample_result.h"

namespace chat::sim {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

WindowStats second_with(uint64_t sent, std::vector<int64_t> response_ms) {
  WindowStats second;
  second.length = seconds(1);
  second.sent = sent;
  for (const int64_t ms : response_ms) second.response.record(ms * 1'000'000);
  return second;
}

Gate gate(std::string_view text) {
  auto parsed = Gate::parse(text);
  EXPECT_TRUE(parsed);
  return std::move(*parsed);
}

TEST(WindowStats, MergesToWhatOneLongWindowWouldHold) {
  WindowStats both = second_with(3, {10, 20});
  WindowStats later = second_with(4, {30});
  later.users_connected = 9;
  both.merge(later);
  EXPECT_EQ(both.metric("sent"), 7);
  EXPECT_EQ(both.metric("rate.sent"), 3.5);
  EXPECT_EQ(both.metric("users.connected"), 9);
  EXPECT_EQ(both.metric("latency.response.max"), 30);
  EXPECT_EQ(both.metric("latency.service.max"), std::nullopt);
  EXPECT_EQ(both.metric("lost"), std::nullopt);
}

TEST(Metrics, AllExistInAResultAndThosePerWindowInAWindow) {
  const RunResult result = sample_result();
  for (const MetricInfo& info : gate_metrics()) {
    EXPECT_TRUE(result.metric(info.name)) << info.name;
    EXPECT_EQ(result.totals.metric(info.name).has_value(), info.per_window) << info.name;
  }
}

TEST(GateBoard, JudgesEveryWholeWindowAndAllowsTheMisses) {
  GateBoard board({gate("latency.response.p99 < 50ms in every 2s window"),
                   gate("latency.response.p99 < 50ms in every 2s window, 1 miss allowed"),
                   gate("latency.response.p99 < 50ms in every 1m window"), gate("lost == 0")});
  board.add_second(second_with(1, {10}));
  board.add_second(second_with(1, {20}));
  board.add_second(second_with(1, {10}));
  board.add_second(second_with(1, {70}));
  board.add_second(second_with(1, {90}));  // Belongs to a window that is not whole.
  const auto results = board.finish([](std::string_view) { return 0; }, true);
  ASSERT_EQ(results.size(), 4u);
  EXPECT_FALSE(results[0].passed);
  EXPECT_EQ(results[0].windows, 2u);
  EXPECT_EQ(results[0].misses, 1u);
  EXPECT_EQ(results[0].value, 70);
  EXPECT_TRUE(results[1].passed);
  EXPECT_FALSE(results[2].passed) << "no window was whole";
  EXPECT_TRUE(results[3].passed);
}

TEST(GateBoard, PassesNothingInAnInvalidRun) {
  const GateBoard board({gate("lost == 0")});
  EXPECT_FALSE(board.finish([](std::string_view) { return 0; }, false)[0].passed);
}

TEST(TimeSeries, KeepsSecondsApartInAShortRun) {
  TimeSeries series;
  for (uint64_t i = 0; i < 3; ++i) series.add(second_with(i, {7}), {}, ProcessSample{.cpu_s = 1});
  ASSERT_EQ(series.points().size(), 3u);
  EXPECT_EQ(series.step_s(), 1u);
  EXPECT_EQ(series.points()[2].sent, 2u);
  EXPECT_NEAR(series.points()[2].response.p50_ms, 7, 0.01);
}

TEST(TimeSeries, StaysBoundedInALongRunAndLosesNoCount) {
  TimeSeries series;
  const int length_s = 3 * 3600 + 7;
  for (int i = 0; i < length_s; ++i) series.add(second_with(2, {i < 5'000 ? 10 : 40}), {}, {});
  EXPECT_LE(series.points().size(), TimeSeries::kPointsMax);
  EXPECT_EQ(series.step_s(), 32u);
  uint64_t sent = 0, deliveries = 0;
  Duration length;
  for (const SeriesPoint& point : series.points()) {
    sent += point.sent;
    deliveries += point.response.bins.count();
    length = length + point.length;
    EXPECT_EQ(point.server_seconds, 0u);
  }
  EXPECT_EQ(sent, 2u * length_s);
  EXPECT_EQ(deliveries, static_cast<uint64_t>(length_s));
  EXPECT_EQ(length, seconds(length_s));
  EXPECT_NEAR(series.points().front().response.p99_ms, 10, 1);
  EXPECT_NEAR(series.points().back().response.p99_ms, 40, 4);
}

TEST(LatencyBins, FindPercentilesWithinTheirWidth) {
  Random random(4);
  Histogram histogram;
  for (int i = 0; i < 20'000; ++i) histogram.record(static_cast<int64_t>(random.exponential(8e6)));
  LatencyBins bins;
  bins.add(histogram);
  for (const double percent : {50.0, 90.0, 99.0}) {
    const double exact = static_cast<double>(histogram.percentile(percent)) / 1e6;
    EXPECT_NEAR(bins.percentile_ms(percent), exact, exact * 0.09);
  }
}

TEST(ResultJson, IsReadBackWithItsFigures) {
  const RunResult result = sample_result();
  const auto read = boost::json::parse(result_json(result)).as_object();
  EXPECT_EQ(read.at("schema_version").as_int64(), RunResult::kSchemaVersion);
  EXPECT_EQ(read.at("scenario").as_string(), "sample");
  EXPECT_TRUE(read.at("valid").as_bool());
  EXPECT_EQ(read.at("messages").at("sent").to_number<uint64_t>(), result.oracle.counts.sent);
  EXPECT_GT(read.at("latency_ms").at("response").at("p99").to_number<double>(), 0);
  EXPECT_EQ(read.at("series").at("users").as_array().size(), result.series.points().size());
}

TEST(ResultJson, EqualsItsGoldenFileThatTheSchemaTestValidates) {
  const std::string path = CHAT_SOURCE_DIR "/tests/sim/report/golden/result.json";
  const std::string written = result_json(sample_result(24));
  if (std::getenv("UPDATE_GOLDEN") != nullptr) std::ofstream(path) << written;
  std::ifstream file(path);
  const std::string golden((std::istreambuf_iterator<char>(file)), {});
  EXPECT_EQ(written, golden) << "UPDATE_GOLDEN=1 rewrites it";
}

TEST(ResultJson, SaysNullWhereNothingWasMeasured) {
  RunResult result;
  const auto read = boost::json::parse(result_json(result)).as_object();
  EXPECT_TRUE(read.at("latency_ms").at("service").at("p50").is_null());
  EXPECT_TRUE(read.at("server").is_null());
}

TEST(HtmlReport, HoldsEveryChartItsDataAndNoLinkToTheNetwork) {
  const std::string page = html_report(sample_result());
  for (const char* chart : {"users", "rates", "latency", "heat", "distribution", "percentiles",
                            "cpu", "memory", "trouble", "lag"}) {
    EXPECT_THAT(page, HasSubstr("<figure class=\"card")) << chart;
    EXPECT_THAT(page, HasSubstr("id=\"chart-" + std::string(chart) + "\"")) << chart;
    EXPECT_THAT(page, HasSubstr("\"chart-" + std::string(chart) + "\"")) << chart;
  }
  EXPECT_THAT(page, HasSubstr("\"response_p99_ms\": ["));
  EXPECT_THAT(page, Not(HasSubstr("{{")));
  EXPECT_THAT(page, Not(HasSubstr("http://")));
  EXPECT_THAT(page, Not(HasSubstr("https://")));
}

TEST(HtmlReport, CannotBeBrokenByNames) {
  RunResult result = sample_result();
  result.scenario = "</script><script>alert(1)</script>";
  const std::string page = html_report(result);
  EXPECT_THAT(page, Not(HasSubstr("alert(1)</script>")));
}

TEST(Summary, TellsTheVerdictAndEveryGate) {
  RunResult result = sample_result();
  EXPECT_THAT(summary(result, false), HasSubstr("valid, all gates passed"));
  EXPECT_THAT(summary(result, false), Not(HasSubstr("\x1b")));
  EXPECT_THAT(summary(result, true), HasSubstr("\x1b[32m"));
  result.gates[0].passed = false;
  EXPECT_THAT(summary(result, false), HasSubstr("FAIL  lost == 0"));
  EXPECT_THAT(summary(result, false), HasSubstr("valid, but gates failed"));
  result.invalid_reasons.push_back("the generator stood still");
  EXPECT_THAT(summary(result, false), HasSubstr("INVALID     the generator stood still"));
}

}  // namespace
}  // namespace chat::sim
