#include "sim/cost/plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "tests/sim/cost/sample_day.h"

namespace chat::sim {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::HasSubstr;

/// What plans are made of, to be changed by a test.
struct Case {
  DayLoad day = sample_day(1, 1);
  std::vector<DayLoad> samples = sample_days(8);
  CostTable costs = sample_table();
  PriceList prices = sample_prices();
  std::vector<WhatIf> what_ifs;
  PlanOptions options{.machine = "large"};

  Result<Plan> plan() const {
    return make_plan(
        {.day = day, .samples = samples, .costs = costs, .prices = prices, .what_ifs = what_ifs},
        options);
  }
  std::string refusal() const {
    const auto made = plan();
    return made ? "accepted" : made.error().text;
  }
};

double value_of(const Plan& plan, std::string_view name) {
  const Figure* figure = plan.figure(name);
  EXPECT_NE(figure, nullptr) << name;
  return figure == nullptr ? -1 : figure->value;
}

TEST(Plan, AddsUpWhatTheCostsSayOfTheBusiestTime) {
  Case flat;
  flat.day = flat_day(100'000);
  for (DayLoad& sample : flat.samples) sample = flat_day(100'000);
  const auto plan = flat.plan();
  ASSERT_TRUE(plan) << plan.error().text;
  const Quantities load = flat.day.regions[0].windows[0].load;
  double cpu = 0, memory = 0;
  for (const Quantity term : cost_terms(Resource::cpu)) {
    if (term != Quantity::server) cpu += flat.costs.cpu.cost(Resource::cpu, term) * load[term];
  }
  for (const Quantity term : cost_terms(Resource::memory)) {
    if (term != Quantity::server) {
      memory += flat.costs.memory.cost(Resource::memory, term) * load[term];
    }
  }
  EXPECT_NEAR(value_of(*plan, "cores.peak_hour"), cpu / 1e9, 1e-6 * cpu / 1e9);
  EXPECT_NEAR(value_of(*plan, "cores.day"), cpu / 1e9, 1e-6 * cpu / 1e9);
  const MachineType& machine = plan->machine;
  const double by_cpu = cpu / (machine.cores * 1e9 * 0.7 - sample_cost(Quantity::server));
  const double servers = std::ceil(by_cpu);
  EXPECT_EQ(value_of(*plan, "servers.chatd"), servers);
  EXPECT_EQ(value_of(*plan, "servers.chatd.n_plus_1"), servers + 1);
  EXPECT_EQ(value_of(*plan, "servers.chatd.zone_lost"), 3 * std::ceil(by_cpu / 2));
  EXPECT_NEAR(value_of(*plan, "memory.chatd.busiest"), memory + servers * 60e6, 1);
  EXPECT_EQ(plan->regions[0].limit, "cpu");
  const double disk = 40 * load[Quantity::store_row] + 1.1 * load[Quantity::store_byte];
  EXPECT_NEAR(value_of(*plan, "storage.day"), disk * 86'400, 1);
  EXPECT_NEAR(value_of(*plan, "pushes.day"), 50 * 86'400, 1e-3);
}

TEST(Plan, HasEveryFigureWithinItsIntervals) {
  Case day;
  day.what_ifs.push_back({.label = "growth 2", .day = scaled(day.day, 2), .machine = ""});
  const auto plan = day.plan();
  ASSERT_TRUE(plan) << plan.error().text;
  std::vector<Figure> all = plan->figures;
  for (const RegionPlan& region : plan->regions) {
    all.insert(all.end(), region.figures.begin(), region.figures.end());
  }
  for (const PlanRow& row : plan->what_ifs) {
    EXPECT_EQ(row.figures.size(), plan->figures.size());
    all.insert(all.end(), row.figures.begin(), row.figures.end());
  }
  for (const Figure& figure : all) {
    for (const Interval& part : {figure.behaviour, figure.cost, figure.both}) {
      EXPECT_LE(part.low, figure.value * (1 + 1e-9)) << figure.name;
      EXPECT_GE(part.high, figure.value * (1 - 1e-9)) << figure.name;
    }
    EXPECT_LE(figure.both.low, std::min(figure.behaviour.low, figure.cost.low) + 1e-9);
    EXPECT_GE(figure.both.high, std::max(figure.behaviour.high, figure.cost.high) - 1e-9);
  }
  const Figure& cores = *plan->figure("cores.peak_hour");
  EXPECT_LT(cores.cost.low, cores.value);
  EXPECT_LT(cores.behaviour.low, cores.value);
  const Figure& users = *plan->figure("users.peak_hour");
  EXPECT_EQ(users.cost.low, users.cost.high) << "users cost nothing";
}

TEST(Plan, IsTheSameForTheSameSeed) {
  const Case day;
  const auto first = day.plan(), second = day.plan();
  ASSERT_TRUE(first && second);
  for (size_t i = 0; i < first->figures.size(); ++i) {
    EXPECT_EQ(first->figures[i].both.low, second->figures[i].both.low);
    EXPECT_EQ(first->figures[i].both.high, second->figures[i].both.high);
  }
}

TEST(Plan, TakesTheCheapestMachineUnlessToldOtherwise) {
  Case day;
  day.options.machine = "";
  const auto free = day.plan();
  ASSERT_TRUE(free);
  for (const MachineType& machine : day.prices.machines) {
    day.options.machine = machine.name;
    const auto fixed = day.plan();
    ASSERT_TRUE(fixed) << fixed.error().text;
    EXPECT_LE(value_of(*free, "cost.month"), value_of(*fixed, "cost.month")) << machine.name;
  }
}

TEST(Plan, KeepsRolesApartWithGateways) {
  Case day;
  const auto together = day.plan();
  day.options.gateways = true;
  const auto apart = day.plan();
  ASSERT_TRUE(together && apart);
  EXPECT_EQ(apart->figure("servers.chatd"), nullptr);
  EXPECT_GE(value_of(*apart, "servers.gateway") + value_of(*apart, "servers.home"),
            value_of(*together, "servers.chatd"));
}

TEST(Plan, SizesEveryRegionForItsOwnPeak) {
  const Case day;
  const auto plan = day.plan();
  ASSERT_TRUE(plan);
  ASSERT_EQ(plan->regions.size(), 2u);
  EXPECT_NE(plan->regions[0].peak_hour_h, plan->regions[1].peak_hour_h);
  double sum = 0;
  for (const RegionPlan& region : plan->regions) {
    const auto found = std::ranges::find(region.figures, "servers.chatd", &Figure::name);
    ASSERT_NE(found, region.figures.end());
    sum += found->value;
  }
  EXPECT_EQ(sum, value_of(*plan, "servers.chatd"));
  EXPECT_EQ(plan->day.size(), day.day.regions[0].windows.size());
}

TEST(Plan, SaysWhereItGoesBeyondTheTable) {
  Case day;
  const auto within = day.plan();
  ASSERT_TRUE(within);
  EXPECT_FALSE(within->figure("cores.peak_hour")->beyond);
  EXPECT_THAT(within->notes, Contains(HasSubstr("assumption"))) << "more cores than measured";
  std::ranges::fill(day.costs.cpu.highest, 1);
  day.costs.disk = CostFit::none(Resource::disk);
  day.costs.busy_machine = true;
  const auto beyond = day.plan();
  ASSERT_TRUE(beyond);
  EXPECT_TRUE(beyond->figure("cores.peak_hour")->beyond);
  EXPECT_TRUE(beyond->figure("storage.day")->beyond);
  EXPECT_FALSE(beyond->figure("network.day")->beyond);
  EXPECT_FALSE(beyond->figure("users.peak_hour")->beyond);
  EXPECT_THAT(beyond->notes, Contains(AllOf(HasSubstr("heartbeat"), HasSubstr("up to 1 only"))));
  EXPECT_THAT(beyond->notes, Contains(HasSubstr("store_row was not measured")));
  EXPECT_THAT(beyond->notes, Contains(HasSubstr("others used")));
}

TEST(Plan, RefusesWhatMakesNoSense) {
  Case few;
  few.samples.resize(7);
  EXPECT_THAT(few.refusal(), HasSubstr("7 samples"));
  Case draws;
  draws.options.draws = 100;
  EXPECT_THAT(draws.refusal(), HasSubstr("100 draws"));
  Case machine;
  machine.options.machine = "huge";
  EXPECT_THAT(machine.refusal(), HasSubstr("\"huge\""));
  Case small;
  small.prices.machines[0].memory_bytes = 1 << 20;
  small.options.machine = small.prices.machines[0].name;
  EXPECT_THAT(small.refusal(), HasSubstr("too small"));
  Case hole;
  hole.day.regions[1].windows.pop_back();
  EXPECT_THAT(hole.refusal(), AllOf(HasSubstr("\"east\""), HasSubstr("windows")));
  Case negative;
  negative.day.regions[0].windows[3].load[Quantity::turn] = -1;
  EXPECT_THAT(negative.refusal(), AllOf(HasSubstr("window 3"), HasSubstr("turn")));
  Case twice;
  twice.prices.machines.push_back(twice.prices.machines[0]);
  EXPECT_THAT(twice.refusal(), HasSubstr("twice"));
}

}  // namespace
}  // namespace chat::sim
