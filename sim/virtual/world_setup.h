// WorldSetup: what a scenario says, done to a VirtualWorld: its servers, networks and disks when
// the world is made, its faults when their time has come. Thread rule: the world's thread.
#pragma once

#include "sim/scenario/fault_plan.h"
#include "sim/scenario/scenario.h"
#include "sim/virtual/virtual_world.h"

namespace chat::sim {

/// The world of a scenario. The policy and what hears of things are the caller's to add. Region
/// number r of the scenario has the path kind r.
WorldOptions world_of(const Scenario& scenario);

/// The fault begins now. False: it is none of the world's, for it breaks links of devices, which
/// their owner has to drop.
bool inflict(const Fault& fault, VirtualWorld& world);

}  // namespace chat::sim
