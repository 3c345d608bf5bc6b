#include "sim/exact/fault_player.h"

namespace chat::sim {

FaultPlayer::FaultPlayer(const Scenario& scenario, VirtualWorld& world, Crowd& crowd,
                         Oracle& oracle)
    : world_(world),
      crowd_(crowd),
      oracle_(oracle),
      began_(world.now()),
      plan_(scenario.faults, scenario.virtual_setup.processes, scenario.run_length(),
            Random(scenario.seed).fork("faults")) {
  plan_next();
}

void FaultPlayer::plan_next() {
  const auto fault = plan_.next();
  if (!fault) return;
  world_.queue().at(began_ + fault->at, [this, due = *fault] {
    play(due);
    plan_next();
  });
}

void FaultPlayer::play(const Fault& fault) {
  switch (fault.kind) {
    case FaultKind::crash:
      // Other homes take its chats over, and what it had delayed comes later.
      if (world_.processes() > 1) oracle_.delayed_order_is_lost();
      world_.crash(fault.process, fault.lasts);
      return;
    case FaultKind::partition:
      world_.partition(fault.process, fault.other, fault.lasts);
      return;
    case FaultKind::slow_disk:
      world_.slow_disk(fault.factor, fault.lasts);
      return;
    case FaultKind::store_stall:
      world_.stall_store(fault.lasts);
      return;
    case FaultKind::store_error:
      world_.fail_store(fault.share, fault.lasts);
      return;
    case FaultKind::drop:
      crowd_.drop_links(world_.now(), fault.share, Random(fault.draw));
      return;
    case FaultKind::clock_skew:
      world_.skew_clock(fault.process, fault.ahead, fault.lasts);
      return;
  }
}

}  // namespace chat::sim
