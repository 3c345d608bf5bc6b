#include "sim/scenario/gate.h"

#include <gtest/gtest.h>

#include <map>

namespace chat::sim {
namespace {

MetricLookup metrics(std::map<std::string, double, std::less<>> values) {
  return [values = std::move(values)](std::string_view name) -> std::optional<double> {
    const auto found = values.find(name);
    if (found == values.end()) return std::nullopt;
    return found->second;
  };
}

bool passes(std::string_view text, const MetricLookup& lookup) {
  const auto gate = Gate::parse(text);
  EXPECT_TRUE(gate) << (gate ? "" : gate.error().text);
  return gate && gate->evaluate(lookup).passed;
}

std::string refusal_of(std::string_view text) {
  const auto gate = Gate::parse(text);
  return gate ? "accepted" : gate.error().text;
}

TEST(Gate, ComparesAMetricWithANumber) {
  const auto run = metrics({{"lost", 0}, {"late", 3}});
  EXPECT_TRUE(passes("lost == 0", run));
  EXPECT_FALSE(passes("late == 0", run));
  EXPECT_TRUE(passes("late != 0", run));
  EXPECT_TRUE(passes("late >= 3", run));
  EXPECT_TRUE(passes("late <= 3", run));
  EXPECT_FALSE(passes("late < 3", run));
  EXPECT_FALSE(passes("late > 3", run));
}

TEST(Gate, ReadsTimesAndSizesWithTheirUnits) {
  const auto run = metrics({{"latency.response.p99", 240}, {"server.rss", 3e9}});
  EXPECT_TRUE(passes("latency.response.p99 < 250ms", run));
  EXPECT_TRUE(passes("latency.response.p99 < 0.25s", run));
  EXPECT_FALSE(passes("latency.response.p99 < 239999us", run));
  EXPECT_TRUE(passes("server.rss < 3GiB", run));
  EXPECT_TRUE(passes("server.rss == 3GB", run));
}

TEST(Gate, CalculatesOnBothSides) {
  const auto run = metrics({{"delivered", 999}, {"expected_deliveries", 1000}, {"late", 4}});
  EXPECT_TRUE(passes("delivered / expected_deliveries >= 99.9%", run));
  EXPECT_TRUE(passes("delivered + 1 == expected_deliveries", run));
  EXPECT_TRUE(passes("late * 2 - 1 < (2 + 2) * 2", run));
  EXPECT_TRUE(passes("late<delivered/ 10%", run));
}

TEST(Gate, DoesNotPassWithoutAValue) {
  const auto run = metrics({{"late", 0}, {"sent", 0}});
  const auto gate = Gate::parse("latency.response.p99 < 1s");
  ASSERT_TRUE(gate);
  const GateOutcome outcome = gate->evaluate(run);
  EXPECT_FALSE(outcome.passed);
  EXPECT_FALSE(outcome.value);
  EXPECT_FALSE(passes("late / sent < 1", run));
}

TEST(Gate, KnowsItsWindowAndTheMissesThatAreAllowed) {
  const auto strict = Gate::parse("latency.response.p99 < 50ms in every 10s window");
  ASSERT_TRUE(strict);
  EXPECT_EQ(strict->window(), seconds(10));
  EXPECT_EQ(strict->misses_allowed(), 0u);
  const auto lenient = Gate::parse("late == 0 in every 1m window, 2 misses allowed");
  ASSERT_TRUE(lenient);
  EXPECT_EQ(lenient->window(), minutes(1));
  EXPECT_EQ(lenient->misses_allowed(), 2u);
  EXPECT_TRUE(Gate::parse("late == 0 in every 1m window, 1 miss allowed"));
  EXPECT_FALSE(Gate::parse("late == 0")->window());
}

TEST(Gate, NamesTheColumnOfWhatItDoesNotUnderstand) {
  EXPECT_NE(refusal_of("lost = 0").find("column 6: expected one of"), std::string::npos);
  EXPECT_NE(refusal_of("").find("column 1: expected a number or the name"), std::string::npos);
  EXPECT_NE(refusal_of("lost == ").find("column 9:"), std::string::npos);
  EXPECT_NE(refusal_of("lost == 0 0").find("column 11: expected the end"), std::string::npos);
  EXPECT_NE(refusal_of("lost == (1 + 2").find("column 15: expected )"), std::string::npos);
  EXPECT_NE(refusal_of("lost == 3 parsecs").find("column 11"), std::string::npos);
  EXPECT_NE(refusal_of("lost == 3parsecs").find("unknown unit"), std::string::npos);
  EXPECT_NE(refusal_of(std::string(40, '(')).find("parentheses"), std::string::npos);
}

TEST(Gate, SuggestsTheNearestMetric) {
  const std::string text = refusal_of("latency.respons.p99 < 1s");
  EXPECT_NE(text.find("column 1: unknown metric \"latency.respons.p99\""), std::string::npos);
  EXPECT_NE(text.find("did you mean \"latency.response.p99\"?"), std::string::npos);
  EXPECT_EQ(refusal_of("zebra == 0").find("did you mean"), std::string::npos);
}

TEST(Gate, RefusesToCompareUnlikeQuantities) {
  EXPECT_NE(refusal_of("latency.response.p99 < 250").find("left side is a time"),
            std::string::npos);
  EXPECT_NE(refusal_of("server.rss < 3s").find("size in bytes"), std::string::npos);
  EXPECT_NE(refusal_of("late + 1s < 3").find("one kind"), std::string::npos);
  EXPECT_NE(refusal_of("server.rss * server.rss > 0").find("multiplied"), std::string::npos);
  EXPECT_TRUE(Gate::parse("server.rss / server.bytes_per_connection > 3"));
}

TEST(Gate, RefusesWindowsThatCannotBeJudged) {
  EXPECT_NE(refusal_of("lost == 0 in every 10s window").find("whole run"), std::string::npos);
  EXPECT_NE(refusal_of("late == 0 in every 10 window").find("needs a time"), std::string::npos);
  EXPECT_NE(refusal_of("late == 0 in every 500ms window").find("whole number"), std::string::npos);
  EXPECT_NE(refusal_of("late == 0 in each 1s window").find("\"every\""), std::string::npos);
  EXPECT_NE(refusal_of("late == 0 in every 1s").find("\"window\""), std::string::npos);
  EXPECT_NE(refusal_of("late == 0 in every 1s window, 1.5 misses allowed").find("whole number"),
            std::string::npos);
  EXPECT_NE(refusal_of("late == 0 in every 1s window, one miss").find("how many"),
            std::string::npos);
}

}  // namespace
}  // namespace chat::sim
