// FaultPlayer: makes the faults of a scenario happen in a VirtualWorld and to a crowd, at the times
// that the FaultPlan says, from the beginning of the run phase on. Thread rule: its world's thread.
#pragma once

#include "sim/crowd/crowd.h"
#include "sim/oracle/oracle.h"
#include "sim/scenario/fault_plan.h"
#include "sim/scenario/scenario.h"
#include "sim/virtual/virtual_world.h"

namespace chat::sim {

class FaultPlayer {
 public:
  /// The run phase begins now. What is given outlives the player; the world runs no more once
  /// the player is gone.
  FaultPlayer(const Scenario& scenario, VirtualWorld& world, Crowd& crowd, Oracle& oracle);
  FaultPlayer(const FaultPlayer&) = delete;
  FaultPlayer& operator=(const FaultPlayer&) = delete;

 private:
  void plan_next();
  void play(const Fault& fault);

  VirtualWorld& world_;
  Crowd& crowd_;
  Oracle& oracle_;
  const Instant began_;
  FaultPlan plan_;
};

}  // namespace chat::sim
