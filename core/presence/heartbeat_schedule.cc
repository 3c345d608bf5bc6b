#include "core/presence/heartbeat_schedule.h"

#include <algorithm>

#include "core/base/assert.h"

namespace chat {

Instant HeartbeatSchedule::first_at(Instant attached, Duration interval, Random& random) {
  return attached +
         nanoseconds(static_cast<int64_t>(random.below(static_cast<uint64_t>(interval.ns))));
}

HeartbeatSchedule::HeartbeatSchedule(uint32_t interval_ticks)
    : interval_(interval_ticks), wheel_(interval_ticks) {
  CHAT_ASSERT(interval_ticks > 0);
}

void HeartbeatSchedule::add(uint32_t slot, uint32_t tick, Random& random) {
  wheel_.insert(slot, tick + static_cast<uint32_t>(random.below(interval_)));
}

void HeartbeatSchedule::next(uint32_t tick, std::vector<uint32_t>& due_out) {
  const size_t old_size = due_out.size();
  wheel_.collect(tick, due_out);
  for (size_t i = old_size; i < due_out.size(); ++i) {
    const uint32_t slot = due_out[i];
    wheel_.insert(slot, std::max(wheel_.deadline(slot) + interval_, tick + 1));
  }
}

double HeartbeatSchedule::bytes_per_slot() const {
  return size() == 0 ? 0 : static_cast<double>(memory_bytes()) / static_cast<double>(size());
}

}  // namespace chat
