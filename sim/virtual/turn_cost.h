// TurnCost: how long an engine's processor is busy with one turn. What it puts out leaves when the
// processor has come to it. Thread rule: plain value, lives for one turn.
#pragma once

#include <cstdint>

#include "core/base/random.h"
#include "core/engine/io.h"
#include "sim/scenario/virtual_setup.h"

namespace chat::sim {

class TurnCost {
 public:
  /// `costs` outlives it.
  TurnCost(const CpuCosts& costs, Instant begin, Random& random);

  void add(const Input& input);
  void add(const Output& output);
  /// When everything so far is done.
  Instant until() const { return until_; }

 private:
  void spend(Duration mean);

  const CpuCosts& costs_;
  double pace_ = 1;  ///< Of this turn, relative to the mean.
  Instant until_;
};

}  // namespace chat::sim
