// FleetCounts: what the simulated engines and devices of a shard did. Names are those of
// EngineCounters where both count the same. All only grow; sums over shards and differences between
// windows are made field by field. Thread rule: plain value.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace chat::sim {

struct FleetCounts {
  uint64_t heartbeats = 0;
  uint64_t steps = 0;  ///< Of the devices' days.
  uint64_t connections_opened = 0, connections_closed = 0;
  uint64_t connections_refused = 0;  ///< Too many at a time, or too many open.
  uint64_t heartbeat_timeouts = 0;
  uint64_t devices_replaced = 0;  ///< Came back before the engine noticed that they were gone.
  uint64_t sessions_resumed = 0;  ///< Came back within their grace.
  uint64_t sends = 0, reads = 0;
  uint64_t not_sent = 0;    ///< Sends of devices without a link.
  uint64_t recipients = 0;  ///< Users that the sends go to.
  uint64_t drops = 0, sleeps = 0;
  uint64_t edges_online = 0, edges_offline = 0;  ///< Of users, as their home sees them.

  struct Field {
    std::string_view name;
    uint64_t FleetCounts::*value;
  };
  static constexpr std::array<Field, 16> fields();

  FleetCounts& operator+=(const FleetCounts& other) {
    for (const Field& field : fields()) this->*field.value += other.*field.value;
    return *this;
  }
  FleetCounts operator-(const FleetCounts& earlier) const {
    FleetCounts difference = *this;
    for (const Field& field : fields()) difference.*field.value -= earlier.*field.value;
    return difference;
  }
};

constexpr std::array<FleetCounts::Field, 16> FleetCounts::fields() {
  return {{{"heartbeats", &FleetCounts::heartbeats},
           {"steps", &FleetCounts::steps},
           {"connections_opened", &FleetCounts::connections_opened},
           {"connections_closed", &FleetCounts::connections_closed},
           {"connections_refused", &FleetCounts::connections_refused},
           {"heartbeat_timeouts", &FleetCounts::heartbeat_timeouts},
           {"devices_replaced", &FleetCounts::devices_replaced},
           {"sessions_resumed", &FleetCounts::sessions_resumed},
           {"sends", &FleetCounts::sends},
           {"reads", &FleetCounts::reads},
           {"not_sent", &FleetCounts::not_sent},
           {"recipients", &FleetCounts::recipients},
           {"drops", &FleetCounts::drops},
           {"sleeps", &FleetCounts::sleeps},
           {"edges_online", &FleetCounts::edges_online},
           {"edges_offline", &FleetCounts::edges_offline}}};
}

}  // namespace chat::sim
