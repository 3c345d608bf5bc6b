#include "sim/exact/fault_player.h"

#include "sim/virtual/world_setup.h"

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
  // Other homes take the chats of a crashed one over, and what it had delayed comes later.
  if (fault.kind == FaultKind::crash && world_.processes() > 1) oracle_.delayed_order_is_lost();
  if (inflict(fault, world_)) return;
  crowd_.drop_links(world_.now(), fault.share, Random(fault.draw));
}

}  // namespace chat::sim
