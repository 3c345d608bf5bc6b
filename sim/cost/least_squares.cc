#include "sim/cost/least_squares.h"

#include <Eigen/Dense>
#include <algorithm>

namespace chat::sim {
namespace {

using Eigen::Index;
using Matrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using Vector = Eigen::VectorXd;

/// Which columns are free; the others are held at 0.
using Columns = std::vector<Index>;

/// The least squares solution that uses the free columns only; 0 elsewhere.
Vector solve_free(const Matrix& a, const Vector& b, const Columns& free) {
  const Matrix part = a(Eigen::all, free);
  const Vector solution = part.colPivHouseholderQr().solve(b);
  Vector full = Vector::Zero(a.cols());
  for (size_t i = 0; i < free.size(); ++i) full[free[i]] = solution[static_cast<Index>(i)];
  return full;
}

/// Moves x to the best point of the free columns; each column that would become negative on the
/// way there is bound.
void settle(const Matrix& a, const Vector& b, Columns& free, Vector& x) {
  while (!free.empty()) {
    const Vector next = solve_free(a, b, free);
    double step = 1;
    auto blocking = free.end();
    for (auto column = free.begin(); column != free.end(); ++column) {
      if (next[*column] > 0) continue;
      const double way = x[*column] - next[*column];
      const double at = way > 0 ? x[*column] / way : 0;
      if (at < step || blocking == free.end()) {
        step = std::min(at, 1.0);
        blocking = column;
      }
    }
    x += step * (next - x);
    if (blocking == free.end()) return;
    x[*blocking] = 0;
    free.erase(blocking);
  }
}

}  // namespace

std::vector<double> non_negative_least_squares(std::span<const double> a_rows,
                                               std::span<const double> b_values) {
  const auto rows = static_cast<Index>(b_values.size());
  const Index count = static_cast<Index>(a_rows.size()) / rows;
  const Matrix a = Eigen::Map<const Matrix>(a_rows.data(), rows, count);
  const Vector b = Eigen::Map<const Vector>(b_values.data(), rows);
  const double tolerance = 1e-12 * a.norm() * b.norm();
  Columns free;
  Vector x = Vector::Zero(count);
  // Each round frees the column that helps most; it ends when none helps. The bound is against
  // rounding that frees and binds the same column again and again.
  for (Index round = 0; round < 3 * count; ++round) {
    Vector gradient = a.transpose() * (b - a * x);
    for (const Index column : free) gradient[column] = 0;
    Index best = 0;
    if (count == 0 || gradient.maxCoeff(&best) <= tolerance) break;
    free.push_back(best);
    settle(a, b, free, x);
  }
  return {x.begin(), x.end()};
}

}  // namespace chat::sim
