#include "tools/chatsim/cost_table_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <regex>

#include "sim/cost/cost_fit.h"
#include "tests/sim/cost/sample_costs.h"

namespace chat::sim {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

/// A table whose CPU costs were fitted, with a covariance matrix that is not diagonal.
CostTable fitted_table() {
  CostTable table = sample_table();
  Random random(4);
  auto fit = fit_costs(Resource::cpu, sample_points(30, 0.02, random));
  EXPECT_TRUE(fit);
  table.cpu = *fit;
  return table;
}

/// What is said of the table's text after one replacement.
std::string refusal_of(const std::string& pattern, const std::string& replacement) {
  const std::string text = cost_table_text(fitted_table());
  const std::string changed = std::regex_replace(text, std::regex(pattern), replacement,
                                                 std::regex_constants::format_first_only);
  EXPECT_NE(text, changed) << pattern;
  const auto table = parse_cost_table(changed, "t.yaml");
  return table ? "accepted" : table.error().text;
}

TEST(CostTableFile, IsReadBackAsItWasWritten) {
  const CostTable written = fitted_table();
  const std::string text = cost_table_text(written);
  const auto read = parse_cost_table(text, "t.yaml");
  ASSERT_TRUE(read) << read.error().text;
  EXPECT_EQ(read->machine, written.machine);
  EXPECT_EQ(read->cores, written.cores);
  EXPECT_EQ(read->memory_bytes, written.memory_bytes);
  EXPECT_EQ(read->busy_machine, written.busy_machine);
  EXPECT_EQ(read->turn_spread, written.turn_spread);
  for (const Resource resource : kResources) {
    const CostFit& a = read->of(resource);
    const CostFit& b = written.of(resource);
    EXPECT_EQ(a.source, b.source);
    EXPECT_EQ(a.measured, b.measured);
    EXPECT_EQ(a.degrees_of_freedom, b.degrees_of_freedom);
    ASSERT_EQ(a.costs.size(), b.costs.size());
    for (size_t i = 0; i < a.costs.size(); ++i) {
      EXPECT_NEAR(a.costs[i], b.costs[i], 1e-5 * b.costs[i]);
      EXPECT_NEAR(a.highest[i], b.highest[i], 1e-5 * b.highest[i]);
      EXPECT_NEAR(a.error(i), b.error(i), 1e-5 * b.error(i));
    }
    EXPECT_EQ(a.residuals.size(), b.residuals.size());
  }
  EXPECT_EQ(cost_table_text(*read), text) << "nothing more is lost";
}

TEST(CostTableFile, KeepsWhatWasNotMeasured) {
  CostTable table = fitted_table();
  table.disk = CostFit::none(Resource::disk);
  table.turn_spread = std::nullopt;
  const auto read = parse_cost_table(cost_table_text(table), "t.yaml");
  ASSERT_TRUE(read) << read.error().text;
  EXPECT_EQ(read->disk.measured, std::vector<bool>(2, false));
  EXPECT_EQ(read->turn_spread, std::nullopt);
}

TEST(CostTableFile, RefusesUnknownKeysWithTheNearestName) {
  EXPECT_THAT(refusal_of("    heartbeat: ", "    heartbeet: "),
              AllOf(HasSubstr("t.yaml:"), HasSubstr("heartbeet"), HasSubstr("\"heartbeat\"")));
  EXPECT_THAT(refusal_of("not_measured: \\[\\]", "not_measured: [trun]"),
              AllOf(HasSubstr("t.yaml:"), HasSubstr("\"turn\"")));
}

TEST(CostTableFile, RefusesMissingCountersWrongUnitsAndOtherVersions) {
  EXPECT_THAT(refusal_of("    heartbeat: [^\n]*\n", ""),
              AllOf(HasSubstr("cpu.costs.heartbeat"), HasSubstr("t.yaml:")));
  EXPECT_THAT(refusal_of("unit: ns", "unit: us"), AllOf(HasSubstr("cpu.unit"), HasSubstr("ns")));
  EXPECT_THAT(refusal_of("cost_table: 1", "cost_table: 9"), HasSubstr("version 9"));
  EXPECT_THAT(refusal_of("date: [^\n]*", "date: yesterday"), HasSubstr("2026-11-20"));
  EXPECT_THAT(refusal_of("\nnetwork:[^]*\ndisk:", "\ndisk:"), HasSubstr("network"));
  EXPECT_THAT(refusal_of("heartbeat: [0-9.e+]+", "heartbeat: -5"),
              AllOf(HasSubstr("cpu.costs.heartbeat"), HasSubstr("-5")));
}

TEST(CostTableFile, RefusesMatricesThatAreNoCovarianceMatrix) {
  EXPECT_THAT(refusal_of("    turn: \\[", "    turn: [7, "),
              AllOf(HasSubstr("cpu.covariance.turn"), HasSubstr("15 numbers: expected 14")));
  EXPECT_THAT(refusal_of("    server: \\[([^,]+), [^,]+,", "    server: [$1, 123456,"),
              AllOf(HasSubstr("t.yaml:"), HasSubstr("symmetric"), HasSubstr("calibrate again")));
  EXPECT_THAT(refusal_of("covariance:", "covariant:"), HasSubstr("\"covariance\""));
}

TEST(CostTableFile, SaysThatItCannotBeRead) {
  EXPECT_EQ(load_cost_table("/nowhere/costs.yaml").error().code, ErrorCode::not_found);
}

}  // namespace
}  // namespace chat::sim
