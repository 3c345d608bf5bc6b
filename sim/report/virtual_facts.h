// VirtualFacts: what a run in virtual time says about itself: how deep it went, how fast it was,
// what was really run and what was only modelled. Thread rule: plain value.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace chat::sim {

struct VirtualFacts {
  std::string depth;  ///< "exact" or "fleet".
  uint32_t threads = 1;
  double wall_s = 0;
  double simulated_s = 0;
  uint64_t users = 0;
  uint64_t peak_concurrent = 0;  ///< Most connections at once.
  uint64_t heartbeats = 0;
  uint64_t occurrences = 0;   ///< All that happened.
  double bytes_per_user = 0;  ///< Memory of the simulation, for every user of the scenario.
  uint64_t digest = 0;        ///< Equal for equal runs.
  /// What the engines and devices did, by the names of their counters.
  std::vector<std::pair<std::string, uint64_t>> counters;
  std::vector<std::string> ran;       ///< Parts of the product that were run.
  std::vector<std::string> modelled;  ///< What stands for the others.

  double heartbeats_per_s() const {
    return wall_s > 0 ? static_cast<double>(heartbeats) / wall_s : 0;
  }
};

}  // namespace chat::sim
