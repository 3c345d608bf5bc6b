#include "sim/cost/cost_table.h"

#include <fmt/format.h>

#include <Eigen/Dense>
#include <algorithm>
#include <cmath>
#include <numbers>

#include "core/base/assert.h"
#include "sim/cost/least_squares.h"

namespace chat::sim {
namespace {

using Matrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using Vector = Eigen::VectorXd;

constexpr Quantity kCpu[] = {Quantity::server,      Quantity::turn,      Quantity::heartbeat,
                             Quantity::send,        Quantity::frame_in,  Quantity::write_out,
                             Quantity::byte,        Quantity::delivery,  Quantity::peer_frame,
                             Quantity::store_batch, Quantity::store_row, Quantity::store_read,
                             Quantity::sync_page,   Quantity::accept};
constexpr Quantity kMemory[] = {Quantity::server, Quantity::connection, Quantity::session,
                                Quantity::user, Quantity::chat};
constexpr Quantity kNetwork[] = {Quantity::byte, Quantity::write_out, Quantity::accept};
constexpr Quantity kDisk[] = {Quantity::store_row, Quantity::store_byte};

/// How much a matrix that was written with six digits may be off.
constexpr double kTolerance = 1e-4;

/// As correlations, so that terms of very different sizes weigh alike; 1 on the diagonal where
/// there is no variance.
Matrix correlations(const CostFit& fit) {
  const auto size = static_cast<Eigen::Index>(fit.costs.size());
  Matrix matrix(size, size);
  for (Eigen::Index i = 0; i < size; ++i) {
    for (Eigen::Index j = 0; j < size; ++j) {
      const double scale = fit.error(static_cast<size_t>(i)) * fit.error(static_cast<size_t>(j));
      const double value = fit.covariance[static_cast<size_t>(i * size + j)];
      matrix(i, j) = scale > 0 ? value / scale : (i == j ? 1 : 0);
    }
  }
  return matrix;
}

double standard_normal(Random& random) {
  // Box and Muller 1958; 1 - unit() is never 0.
  const double radius = std::sqrt(-2 * std::log(1 - random.unit()));
  return radius * std::cos(2 * std::numbers::pi * random.unit());
}

/// A χ² with that many degrees of freedom ÷ their number.
double mean_square(uint32_t degrees, Random& random) {
  double sum = 0;
  for (uint32_t i = 0; i < degrees; ++i) {
    const double z = standard_normal(random);
    sum += z * z;
  }
  return sum / degrees;
}

std::string place(Resource resource, Quantity term) {
  return fmt::format("{}.covariance.{}", name_of(resource), name_of(term));
}

}  // namespace

std::string_view name_of(Resource resource) {
  constexpr std::string_view kNames[] = {"cpu", "memory", "network", "disk"};
  return kNames[static_cast<size_t>(resource)];
}

std::string_view unit_of(Resource resource) { return resource == Resource::cpu ? "ns" : "bytes"; }

std::span<const Quantity> cost_terms(Resource resource) {
  switch (resource) {
    case Resource::cpu:
      return kCpu;
    case Resource::memory:
      return kMemory;
    case Resource::network:
      return kNetwork;
    case Resource::disk:
      break;
  }
  return kDisk;
}

CostFit CostFit::none(Resource resource) {
  const size_t size = cost_terms(resource).size();
  CostFit fit;
  fit.source = "not measured";
  fit.costs.assign(size, 0);
  fit.measured.assign(size, false);
  fit.covariance.assign(size * size, 0);
  fit.highest.assign(size, 0);
  return fit;
}

double CostFit::cost(Resource resource, Quantity term) const {
  const auto terms = cost_terms(resource);
  const auto found = std::ranges::find(terms, term);
  CHAT_ASSERT(found != terms.end());
  return costs[static_cast<size_t>(found - terms.begin())];
}

double CostFit::error(size_t term) const {
  return std::sqrt(std::max(0.0, covariance[term * costs.size() + term]));
}

double CostFit::used(Resource resource, const Quantities& load) const {
  double sum = 0;
  size_t i = 0;
  for (const Quantity term : cost_terms(resource)) sum += costs[i++] * load[term];
  return sum;
}

const CostFit& CostTable::of(Resource resource) const {
  switch (resource) {
    case Resource::cpu:
      return cpu;
    case Resource::memory:
      return memory;
    case Resource::network:
      return network;
    case Resource::disk:
      break;
  }
  return disk;
}

CostFit& CostTable::of(Resource resource) {
  return const_cast<CostFit&>(std::as_const(*this).of(resource));
}

Status check_fit(Resource resource, const CostFit& fit) {
  const auto terms = cost_terms(resource);
  const auto wrong = [&](std::string text) {
    return make_error(ErrorCode::invalid_argument, std::move(text));
  };
  for (size_t i = 0; i < terms.size(); ++i) {
    if (!std::isfinite(fit.costs[i]) || fit.costs[i] < 0) {
      return wrong(fmt::format("{}.costs.{}: {} is no cost: expected a number from 0 on",
                               name_of(resource), name_of(terms[i]), fit.costs[i]));
    }
    for (size_t j = 0; j < terms.size(); ++j) {
      const double value = fit.covariance[i * terms.size() + j];
      const double mirrored = fit.covariance[j * terms.size() + i];
      const double scale = std::max(std::abs(value), std::abs(mirrored));
      if (!std::isfinite(value) || std::abs(value - mirrored) > kTolerance * scale) {
        return wrong(fmt::format(
            "{}: with {} it is {}, but {} with it {}: a covariance matrix is "
            "symmetric; calibrate again",
            place(resource, terms[i]), name_of(terms[j]), value, name_of(terms[j]), mirrored));
      }
      const double bound = fit.error(i) * fit.error(j);
      if (std::abs(value) > bound * (1 + kTolerance)) {
        return wrong(
            fmt::format("{}: with {} it is {}, more than their variances allow (±{:.6g}); "
                        "calibrate again",
                        place(resource, terms[i]), name_of(terms[j]), value, bound));
      }
    }
  }
  const Eigen::SelfAdjointEigenSolver<Matrix> solver(correlations(fit));
  Eigen::Index worst = 0;
  if (solver.eigenvalues().minCoeff(&worst) < -kTolerance) {
    Eigen::Index term = 0;
    solver.eigenvectors().col(worst).cwiseAbs().maxCoeff(&term);
    return wrong(fmt::format(
        "{}: the covariance matrix is not positive semi-definite, most of all "
        "in this row (eigenvalue {:.3g} of its correlations); calibrate again",
        place(resource, terms[static_cast<size_t>(term)]), solver.eigenvalues()[worst]));
  }
  return {};
}

CostFit draw_fit(const CostFit& fit, Random& random) {
  const auto size = static_cast<Eigen::Index>(fit.costs.size());
  // Variances keep a touch of their own, so that costs that are wholly dependent have an inverse.
  Matrix correlation = correlations(fit);
  correlation.diagonal().array() += 1e-6;
  const Matrix root = Eigen::LLT<Matrix>(correlation).matrixL();
  Vector noise(size);
  for (Eigen::Index i = 0; i < size; ++i) noise[i] = standard_normal(random);
  if (fit.degrees_of_freedom > 0) {
    noise /= std::sqrt(mean_square(fit.degrees_of_freedom, random));
  }
  // In units of standard errors: the nearest costs ≥ 0, where near is what the covariance says.
  Vector scaled(size);
  for (Eigen::Index i = 0; i < size; ++i) {
    const double error = fit.error(static_cast<size_t>(i));
    scaled[i] = error > 0 ? fit.costs[static_cast<size_t>(i)] / error : 0;
  }
  const Vector shifted = scaled + root * noise;
  const Matrix metric = root.triangularView<Eigen::Lower>().solve(Matrix::Identity(size, size));
  const Vector image = metric * shifted;
  const auto drawn = non_negative_least_squares({metric.data(), static_cast<size_t>(metric.size())},
                                                {image.data(), static_cast<size_t>(size)});
  CostFit out = fit;
  for (size_t i = 0; i < fit.costs.size(); ++i) {
    if (const double error = fit.error(i); error > 0) out.costs[i] = drawn[i] * error;
  }
  return out;
}

CostTable draw_costs(const CostTable& table, Random& random) {
  CostTable drawn = table;
  for (const Resource resource : kResources) {
    drawn.of(resource) = draw_fit(table.of(resource), random);
  }
  return drawn;
}

}  // namespace chat::sim
