// The linear algebra that fits and draws share, on plain vectors: what uses Eigen stays in the .cc
// files of this folder. Matrices are row by row. Thread rule: pure functions.
#pragma once

#include <span>
#include <vector>

namespace chat::sim {

/// The x ≥ 0 with the smallest |Ax - b|, by the active set method of Lawson and Hanson, "Solving
/// Least Squares Problems" (1974), chapter 23. A has b.size() rows, at least as many as columns.
std::vector<double> non_negative_least_squares(std::span<const double> a,
                                               std::span<const double> b);

}  // namespace chat::sim
