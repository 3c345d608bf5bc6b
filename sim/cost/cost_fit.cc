#include "sim/cost/cost_fit.h"

#include <fmt/format.h>

#include <Eigen/Dense>
#include <algorithm>
#include <boost/math/distributions/students_t.hpp>
#include <cmath>

#include "sim/cost/least_squares.h"

namespace chat::sim {
namespace {

using Eigen::Index;
using Matrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using Vector = Eigen::VectorXd;

/// A term belongs to a near dependency when at least so much of its variance comes from it.
constexpr double kVarianceShare = 0.5;

Error refused(Resource resource, std::string text) {
  return make_error(ErrorCode::invalid_argument,
                    fmt::format("the fit of {}: {}", name_of(resource), text));
}

/// The weighted equations: a row per point, a column per measured term, columns of length 1.
struct Equations {
  std::vector<size_t> terms;  ///< Of the columns.
  Matrix a;
  Vector b;
  Vector lengths;  ///< What the columns were divided by.
};

Status check_points(Resource resource, std::span<const LoadPoint> points) {
  for (const LoadPoint& point : points) {
    if (!std::isfinite(point.used) || !(point.deviation > 0) || !std::isfinite(point.deviation)) {
      return refused(resource, fmt::format("load point \"{}\" used {} ± {}: expected a number, and "
                                           "a deviation above 0",
                                           point.name, point.used, point.deviation));
    }
    for (const Quantity term : cost_terms(resource)) {
      if (std::isfinite(point.load[term]) && point.load[term] >= 0) continue;
      return refused(resource, fmt::format("load point \"{}\" has {} {}: expected 0 or more",
                                           point.name, point.load[term], name_of(term)));
    }
  }
  return {};
}

Equations equations_of(std::span<const Quantity> terms, std::span<const LoadPoint> points) {
  Equations equations;
  for (size_t i = 0; i < terms.size(); ++i) {
    if (std::ranges::any_of(points, [&](const LoadPoint& p) { return p.load[terms[i]] > 0; })) {
      equations.terms.push_back(i);
    }
  }
  const auto rows = static_cast<Index>(points.size());
  const auto columns = static_cast<Index>(equations.terms.size());
  equations.a.resize(rows, columns);
  equations.b.resize(rows);
  for (Index row = 0; row < rows; ++row) {
    const LoadPoint& point = points[static_cast<size_t>(row)];
    equations.b[row] = point.used / point.deviation;
    for (Index column = 0; column < columns; ++column) {
      const Quantity term = terms[equations.terms[static_cast<size_t>(column)]];
      equations.a(row, column) = point.load[term] / point.deviation;
    }
  }
  equations.lengths = equations.a.colwise().norm();
  equations.a.array().rowwise() /= equations.lengths.transpose().array();
  return equations;
}

// Belsley's diagnostics: a singular value that is small beside the largest one is a near
// dependency, and the terms are in it whose variance comes from it.
Status check_condition(Resource resource, std::span<const Quantity> terms,
                       const Equations& equations, const FitOptions& options) {
  const Eigen::JacobiSVD<Eigen::MatrixXd> svd(equations.a, Eigen::ComputeThinV);
  const Vector singular = svd.singularValues();
  const Index last = singular.size() - 1;
  const double floor = singular[0] * 1e-12;
  const double index = singular[0] / std::max(singular[last], floor);
  if (index <= options.condition_max) return {};
  Vector total = Vector::Zero(singular.size());
  Matrix part(singular.size(), singular.size());
  for (Index k = 0; k < singular.size(); ++k) {
    for (Index i = 0; i < singular.size(); ++i) {
      part(i, k) = std::pow(svd.matrixV()(i, k) / std::max(singular[k], floor), 2);
      total[i] += part(i, k);
    }
  }
  std::string names;
  for (Index i = 0; i < singular.size(); ++i) {
    if (part(i, last) < kVarianceShare * total[i]) continue;
    names += names.empty() ? "" : ", ";
    names += name_of(terms[equations.terms[static_cast<size_t>(i)]]);
  }
  return refused(resource,
                 fmt::format("the load points cannot tell these apart: {} (condition index {:.3g}, "
                             "at most {:g}): they grow and shrink together. Add a load point in "
                             "which one of them changes alone",
                             names, index, options.condition_max));
}

}  // namespace

double interval_factor(uint32_t degrees_of_freedom) {
  if (degrees_of_freedom == 0) return 0;
  return boost::math::quantile(boost::math::students_t(degrees_of_freedom), 0.975);
}

Result<CostFit> fit_costs(Resource resource, std::span<const LoadPoint> points,
                          const FitOptions& options) {
  const auto terms = cost_terms(resource);
  if (Status checked = check_points(resource, points); !checked) return checked.error();
  const Equations equations = equations_of(terms, points);
  const size_t columns = equations.terms.size();
  if (columns == 0) return refused(resource, "no load point has anything to fit");
  if (points.size() <= columns) {
    return refused(resource, fmt::format("{} load points are too few for {} costs and an interval: "
                                         "{} are needed at least",
                                         points.size(), columns, columns + 1));
  }
  if (Status told = check_condition(resource, terms, equations, options); !told) {
    return told.error();
  }

  const auto solution =
      non_negative_least_squares({equations.a.data(), static_cast<size_t>(equations.a.size())},
                                 {equations.b.data(), static_cast<size_t>(equations.b.size())});
  const Vector x = Eigen::Map<const Vector>(solution.data(), static_cast<Index>(columns));
  const Matrix normal = equations.a.transpose() * equations.a;
  const Matrix inverse = normal.llt().solve(Matrix::Identity(normal.rows(), normal.cols()));

  CostFit fit = CostFit::none(resource);
  fit.source = fmt::format("fitted on {} load points", points.size());
  fit.degrees_of_freedom = static_cast<uint32_t>(points.size() - columns);
  // A cost at its bound keeps the variance that it has without the bound: it may well be above 0.
  const double variance = (equations.b - equations.a * x).squaredNorm() / fit.degrees_of_freedom;
  for (size_t i = 0; i < columns; ++i) {
    const size_t term = equations.terms[i];
    const auto row = static_cast<Index>(i);
    fit.measured[term] = true;
    fit.costs[term] = x[row] / equations.lengths[row];
    for (size_t j = 0; j < columns; ++j) {
      const auto column = static_cast<Index>(j);
      fit.covariance[term * terms.size() + equations.terms[j]] =
          variance * inverse(row, column) / (equations.lengths[row] * equations.lengths[column]);
    }
    for (const LoadPoint& point : points) {
      fit.highest[term] = std::max(fit.highest[term], point.load[terms[term]]);
    }
  }
  for (const LoadPoint& point : points) {
    fit.residuals.push_back({point.name, point.used, fit.used(resource, point.load)});
  }
  return fit;
}

}  // namespace chat::sim
