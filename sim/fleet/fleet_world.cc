#include "sim/fleet/fleet_world.h"

#include <vector>

#include "core/base/random.h"
#include "core/presence/presence_wheel.h"

namespace chat::sim {
namespace {

Ring ring_of(uint32_t engines) {
  std::vector<EngineRef> all;
  for (uint32_t i = 1; i <= engines; ++i) {
    all.push_back({.id = EngineId{i}, .incarnation = Incarnation{1}});
  }
  return Ring(std::move(all));
}

}  // namespace

FleetWorld::FleetWorld(const Scenario& scenario)
    : profile(scenario),
      chat_sizes(scenario),
      ring(ring_of(scenario.fleet.engines)),
      admission{.accepts_per_second = scenario.fleet.accepts_per_second,
                .connections_max = scenario.fleet.connections_max},
      seed(Random(scenario.seed).fork("fleet").next()),
      users(scenario.users),
      heartbeat_ticks(TickScale{}.span(scenario.fleet.heartbeat)),
      timeout_ticks(PresenceWheel::timeout_ticks(scenario.fleet.heartbeat, {})),
      grace_ticks(TickScale{}.span(scenario.fleet.grace)),
      window_ticks(TickScale{}.span(scenario.fleet.window)),
      storm_tick(scenario.storm.at.ns > 0 ? TickScale{}.span(scenario.storm.at) : UINT32_MAX),
      storm_below(static_cast<uint64_t>(scenario.storm.users_share * 4294967296.0)),
      watchers(scenario.day.watchers) {}

}  // namespace chat::sim
