// What tests against theory need: means of independent replications with their confidence
// interval, and the chi-square test. All intervals are of 99.9 %, for there are many of them, and
// the seeds are fixed: a test that passes once passes always.
#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace chat::sim {

inline constexpr size_t kReplications = 20;

/// One figure of every replication.
class Replications {
 public:
  void add(double value) { values_.push_back(value); }

  double mean() const {
    double sum = 0;
    for (const double value : values_) sum += value;
    return sum / static_cast<double>(values_.size());
  }
  /// Half the width of the interval around the mean.
  double half_width() const {
    constexpr double kStudent = 3.883;  // 99.9 %, 19 degrees of freedom
    EXPECT_EQ(values_.size(), kReplications);
    double squares = 0;
    for (const double value : values_) squares += (value - mean()) * (value - mean());
    const auto n = static_cast<double>(values_.size());
    return kStudent * std::sqrt(squares / (n - 1) / n);
  }
  bool contain(double truth) const { return std::abs(mean() - truth) <= half_width(); }
  /// The truth lies in the interval, and the interval is at most `precision` of it: else it says
  /// nothing.
  void expect(double truth, double precision, const std::string& what) const {
    EXPECT_TRUE(contain(truth)) << what << ": " << mean() << " +- " << half_width() << ", not "
                                << truth;
    EXPECT_LE(half_width(), precision * std::abs(truth)) << what << " is too uncertain";
  }

 private:
  std::vector<double> values_;
};

/// Expects that the counts in classes fit what is expected of each (at least about 5).
inline void expect_fit(const std::vector<uint64_t>& counts, const std::vector<double>& expected) {
  ASSERT_EQ(counts.size(), expected.size());
  double chi_square = 0;
  for (size_t i = 0; i < counts.size(); ++i) {
    const double off = static_cast<double>(counts[i]) - expected[i];
    chi_square += off * off / expected[i];
  }
  constexpr double kNormal = 3.09;  // 99.9 %; the quantile is Wilson and Hilferty's
  const auto degrees = static_cast<double>(counts.size() - 1);
  const double part = 2 / (9 * degrees);
  const double limit = degrees * std::pow(1 - part + kNormal * std::sqrt(part), 3);
  EXPECT_LE(chi_square, limit) << "with " << degrees << " degrees of freedom";
}

}  // namespace chat::sim
