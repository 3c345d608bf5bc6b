// ActionTrace: what one device did of its plan, as a count and a hash over (number, kind, target,
// size) of every action, in the order in which they were executed. Retries, acknowledgements,
// heartbeats and all that a server causes are no part of it, so that it is the same in every world
// that executes the plan. Thread rule: plain value.
#pragma once

#include <cstdint>

#include "core/base/digest.h"
#include "sim/scenario/user_plan.h"

namespace chat::sim {

class ActionTrace {
 public:
  void add(const Action& action) {
    ++actions_;
    digest_.add(uint64_t{action.n} << 32 | static_cast<uint64_t>(action.kind));
    // What a change means is found only when it is written; its plan says which one to pick.
    digest_.add(uint64_t{action.chat} << 32 | action.pick);
    digest_.add(action.size);
  }
  uint32_t actions() const { return actions_; }
  uint64_t hash() const { return digest_.value(); }

 private:
  Digest digest_;
  uint32_t actions_ = 0;
};

}  // namespace chat::sim
