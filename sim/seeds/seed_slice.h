// SeedSlice: a row of consecutive seeds that were run, and what came of them. Slices are kept in a
// file so that a long proof can be run in parts; they speak for the core/ that they ran with, named
// by its digest. Thread rule: plain values.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/base/error.h"
#include "sim/seeds/rare_paths.h"

namespace chat::sim {

struct SeedSlice {
  uint64_t first = 1;
  uint64_t count = 0;
  uint64_t failed = 0;
  double cpu_s = 0;
  std::string core_digest;
  std::string date;  ///< Of the last run, YYYY-MM-DD.
  RarePathCounts rare_paths;

  uint64_t end() const { return first + count; }
};

/// The rare paths that these seeds took less than once in ten seeds.
std::vector<RarePath> neglected_paths(const RarePathCounts& counts, uint64_t seeds);

/// Adds a slice to those of the same core, ascending, joined with its neighbours. Slices of another
/// core are thrown away: they prove nothing any more. An error when a seed would count twice.
Status add_slice(std::vector<SeedSlice>& slices, SeedSlice added);

}  // namespace chat::sim
