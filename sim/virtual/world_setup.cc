#include "sim/virtual/world_setup.h"

namespace chat::sim {

WorldOptions world_of(const Scenario& scenario) {
  const VirtualSetup& setup = scenario.virtual_setup;
  WorldOptions world;
  world.seed = scenario.seed;
  world.users = scenario.users;
  world.engines_of_process.assign(setup.processes, static_cast<int>(setup.engines_per_process));
  world.cpu = setup.cpu;
  world.network = network_of(setup, scenario.regions);
  world.disk = setup.disk;
  world.account_check = setup.account_check;
  return world;
}

bool inflict(const Fault& fault, VirtualWorld& world) {
  switch (fault.kind) {
    case FaultKind::crash:
      world.crash(fault.process, fault.lasts);
      return true;
    case FaultKind::partition:
      world.partition(fault.process, fault.other, fault.lasts);
      return true;
    case FaultKind::slow_disk:
      world.slow_disk(fault.factor, fault.lasts);
      return true;
    case FaultKind::store_stall:
      world.stall_store(fault.lasts);
      return true;
    case FaultKind::store_error:
      world.fail_store(fault.share, fault.lasts);
      return true;
    case FaultKind::clock_skew:
      world.skew_clock(fault.process, fault.ahead, fault.lasts);
      return true;
    case FaultKind::drop:
      return false;
  }
  return false;
}

}  // namespace chat::sim
