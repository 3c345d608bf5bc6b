#include "sim/cost/cost_fit.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "tests/sim/cost/sample_costs.h"

namespace chat::sim {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr size_t kPoints = 30;

std::string refusal_of(const std::vector<LoadPoint>& points) {
  const auto fit = fit_costs(Resource::cpu, points);
  return fit ? "accepted" : fit.error().text;
}

TEST(CostFit, FindsKnownCostsExactlyWithoutNoise) {
  Random random(7);
  const auto fit = fit_costs(Resource::cpu, sample_points(kPoints, 0, random));
  ASSERT_TRUE(fit) << fit.error().text;
  const auto terms = cost_terms(Resource::cpu);
  for (size_t i = 0; i < terms.size(); ++i) {
    EXPECT_NEAR(fit->costs[i], sample_cost(terms[i]), 1e-6 * sample_cost(terms[i]))
        << name_of(terms[i]);
  }
  EXPECT_EQ(fit->degrees_of_freedom, kPoints - terms.size());
}

TEST(CostFit, HoldsTheTrueCostsInItsIntervalsAboutNineteenTimesInTwenty) {
  const auto terms = cost_terms(Resource::cpu);
  int inside = 0, all = 0;
  for (uint64_t seed = 1; seed <= 100; ++seed) {
    Random random(seed);
    const auto fit = fit_costs(Resource::cpu, sample_points(kPoints, 0.01, random));
    ASSERT_TRUE(fit) << fit.error().text;
    const double factor = interval_factor(fit->degrees_of_freedom);
    for (size_t i = 0; i < terms.size(); ++i) {
      ++all;
      inside += std::abs(fit->costs[i] - sample_cost(terms[i])) <= factor * fit->error(i) ? 1 : 0;
    }
  }
  EXPECT_GE(inside, all * 92 / 100);
  EXPECT_LE(inside, all * 98 / 100);
}

TEST(CostFit, DrawsSpreadAsTheErrorsOfRepeatedFitsDo) {
  Random random(3);
  const auto fit = fit_costs(Resource::cpu, sample_points(kPoints, 0.01, random));
  ASSERT_TRUE(fit);
  const auto terms = cost_terms(Resource::cpu);
  const double factor = interval_factor(fit->degrees_of_freedom);
  std::vector<int> inside(terms.size(), 0);
  constexpr int kDraws = 2'000;
  for (int draw = 0; draw < kDraws; ++draw) {
    const CostFit drawn = draw_fit(*fit, random);
    for (size_t i = 0; i < terms.size(); ++i) {
      EXPECT_GE(drawn.costs[i], 0);
      inside[i] += std::abs(drawn.costs[i] - fit->costs[i]) <= factor * fit->error(i) ? 1 : 0;
    }
  }
  for (size_t i = 0; i < terms.size(); ++i) {
    EXPECT_NEAR(static_cast<double>(inside[i]) / kDraws, 0.95, 0.03) << name_of(terms[i]);
  }
}

TEST(CostFit, NeverFindsANegativeCost) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    Random random(seed);
    const auto fit = fit_costs(Resource::cpu, sample_points(16, 0.3, random));
    ASSERT_TRUE(fit) << fit.error().text;
    EXPECT_GE(*std::ranges::min_element(fit->costs), 0);
    EXPECT_TRUE(check_fit(Resource::cpu, *fit));
  }
}

TEST(CostFit, SaysWhatNoPointMoved) {
  Random random(5);
  auto points = sample_points(kPoints, 0.01, random);
  for (LoadPoint& point : points) {
    point.used -= sample_cost(Quantity::peer_frame) * point.load[Quantity::peer_frame];
    point.load[Quantity::peer_frame] = 0;
  }
  const auto fit = fit_costs(Resource::cpu, points);
  ASSERT_TRUE(fit) << fit.error().text;
  const auto terms = cost_terms(Resource::cpu);
  for (size_t i = 0; i < terms.size(); ++i) {
    EXPECT_EQ(fit->measured[i], terms[i] != Quantity::peer_frame) << name_of(terms[i]);
  }
  EXPECT_EQ(fit->cost(Resource::cpu, Quantity::peer_frame), 0);
}

TEST(CostFit, RefusesPointsInWhichTwoCountersMoveTogetherAndNamesThem) {
  Random random(6);
  auto points = sample_points(kPoints, 0.01, random);
  for (LoadPoint& point : points) {
    point.load[Quantity::store_row] = 3 * point.load[Quantity::send];
  }
  EXPECT_THAT(refusal_of(points), AllOf(HasSubstr("send"), HasSubstr("store_row"),
                                        HasSubstr("changes alone"), Not(HasSubstr("heartbeat"))));
}

TEST(CostFit, RefusesTooFewPointsAndValuesThatMakeNoSense) {
  Random random(8);
  auto points = sample_points(kPoints, 0.01, random);
  EXPECT_THAT(refusal_of({points.begin(), points.begin() + 14}),
              HasSubstr("14 load points are too few for 14 costs"));
  points[3].deviation = 0;
  EXPECT_THAT(refusal_of(points), HasSubstr("\"p3\""));
  points[3].deviation = 1;
  points[4].load[Quantity::send] = -1;
  EXPECT_THAT(refusal_of(points), AllOf(HasSubstr("\"p4\""), HasSubstr("send")));
  EXPECT_THAT(refusal_of(std::vector<LoadPoint>(20)), HasSubstr("anything to fit"));
}

TEST(CostFit, GivesNoisyPointsLessWeight) {
  // One level, two sorts of points: a hundred exact ones at 10, one that is off and known to be.
  std::vector<LoadPoint> points;
  for (int i = 0; i < 10; ++i) {
    LoadPoint point{.name = "exact", .load = {}, .used = 10, .deviation = 0.01};
    point.load[Quantity::server] = 1;
    points.push_back(point);
  }
  points.push_back(points.front());
  points.back().used = 1'000;
  points.back().deviation = 1'000;
  const auto fit = fit_costs(Resource::memory, points);
  ASSERT_TRUE(fit);
  EXPECT_NEAR(fit->costs[0], 10, 0.001);
}

TEST(CheckFit, RefusesMatricesThatAreNoCovarianceMatrix) {
  Random random(9);
  const auto fit = fit_costs(Resource::cpu, sample_points(kPoints, 0.01, random));
  ASSERT_TRUE(fit);
  const size_t size = fit->costs.size();
  const auto text_of = [](const CostFit& wrong) {
    const Status status = check_fit(Resource::cpu, wrong);
    return status ? "accepted" : status.error().text;
  };
  CostFit wrong = *fit;
  wrong.covariance[1] += wrong.error(0) * wrong.error(1);
  EXPECT_THAT(text_of(wrong), AllOf(HasSubstr("cpu.covariance.server"), HasSubstr("symmetric")));
  wrong = *fit;
  // Three terms, each of which is the opposite of the two others.
  for (const size_t i : {1u, 2u, 3u}) {
    for (const size_t j : {1u, 2u, 3u}) {
      if (i != j) wrong.covariance[i * size + j] = -0.9 * wrong.error(i) * wrong.error(j);
    }
  }
  EXPECT_THAT(text_of(wrong), HasSubstr("not positive semi-definite"));
  wrong = *fit;
  wrong.covariance[0] = -1;
  EXPECT_THAT(text_of(wrong), HasSubstr("cpu.covariance.server"));
  wrong = *fit;
  wrong.costs[1] = -1;
  EXPECT_THAT(text_of(wrong), HasSubstr("cpu.costs.turn"));
}

}  // namespace
}  // namespace chat::sim
