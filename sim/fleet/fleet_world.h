// FleetWorld: what all shards of a fleet share: the profile of the day, the ring, sizes of chats
// and the intervals in ticks. Immutable. Thread rule: read by any.
#pragma once

#include <cstdint>

#include "core/policy/admission.h"
#include "core/ring/ring.h"
#include "sim/fleet/chat_sizes.h"
#include "sim/scenario/day_plan.h"
#include "sim/scenario/scenario.h"

namespace chat::sim {

struct FleetWorld {
  explicit FleetWorld(const Scenario& scenario);

  DayProfile profile;
  ChatSizes chat_sizes;
  Ring ring;  ///< Engines 1…n; engine i is shard i - 1.
  AdmissionOptions admission;
  uint64_t seed;
  uint32_t users;
  uint32_t heartbeat_ticks;
  uint32_t timeout_ticks;
  uint32_t grace_ticks;
  uint32_t window_ticks;
  uint32_t storm_tick;   ///< UINT32_MAX: none.
  uint64_t storm_below;  ///< In 1/2^32: devices that lose their link.
  uint32_t watchers;
};

}  // namespace chat::sim
