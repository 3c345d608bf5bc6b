#include "sim/cost/plan_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <boost/json.hpp>

#include "tests/sim/cost/sample_day.h"

namespace chat::sim {
namespace {

using ::testing::HasSubstr;

Plan sample_plan() {
  const DayLoad day = sample_day(1, 1);
  const auto samples = sample_days(8);
  const auto plan =
      make_plan({.day = day,
                 .samples = samples,
                 .costs = sample_table(),
                 .prices = sample_prices(),
                 .what_ifs = {{"growth 2", scaled(day, 2), ""}, {"small machines", {}, "small"}}},
                {});
  EXPECT_TRUE(plan);
  return *plan;
}

TEST(PlanText, IsOneScreenWithEveryFigureRegionAndRow) {
  const Plan plan = sample_plan();
  const std::string text = plan_summary(plan, false);
  for (const Figure& figure : plan.figures) EXPECT_THAT(text, HasSubstr(figure.name));
  for (const RegionPlan& region : plan.regions) EXPECT_THAT(text, HasSubstr(region.name));
  EXPECT_THAT(text, HasSubstr("growth 2"));
  EXPECT_THAT(text, HasSubstr("small machines"));
  EXPECT_LE(std::ranges::count(text, '\n'), 50);
}

TEST(PlanText, HasEveryFigureWithItsIntervalInJson) {
  const Plan plan = sample_plan();
  const auto read = boost::json::parse(plan_json(plan)).as_object();
  const auto& figures = read.at("figures").as_array();
  ASSERT_EQ(figures.size(), plan.figures.size());
  for (size_t i = 0; i < figures.size(); ++i) {
    const auto& figure = figures[i].as_object();
    EXPECT_EQ(figure.at("name").as_string(), plan.figures[i].name);
    EXPECT_DOUBLE_EQ(figure.at("value").as_double(), plan.figures[i].value);
    EXPECT_DOUBLE_EQ(figure.at("low").as_double(), plan.figures[i].both.low);
    EXPECT_DOUBLE_EQ(figure.at("high").as_double(), plan.figures[i].both.high);
    EXPECT_EQ(figure.at("cost").as_array().size(), 2u);
    EXPECT_EQ(figure.at("behaviour").as_array().size(), 2u);
  }
  EXPECT_EQ(read.at("day").as_object().at("users").as_array().size(), plan.day.size());
  EXPECT_EQ(read.at("what_ifs").as_array().size(), 2u);
}

TEST(PlanText, WritesAmountsShort) {
  EXPECT_EQ(amount_text(0, "cores"), "0 cores");
  EXPECT_EQ(amount_text(12.345, "cores"), "12.3 cores");
  EXPECT_EQ(amount_text(45.6e9, "bit/s"), "45.6 Gbit/s");
  EXPECT_EQ(amount_text(1.5 * 1024 * 1024, "bytes"), "1.50 MiB");
  EXPECT_EQ(amount_text(12'345, ""), "12345");
  EXPECT_EQ(amount_text(50e6, "users"), "50M");
}

}  // namespace
}  // namespace chat::sim
