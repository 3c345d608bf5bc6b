// HeartbeatSchedule: when clients send their next heartbeat. One rule, for one client and for
// millions. The first heartbeat comes interval × random(0, 1) after the attach, so that clients
// that came together do not stay together; each later one when the client has been silent for one
// interval. Any frame breaks the silence. The static functions are for a single client session, the
// object for the slots of a simulated fleet. Thread rule: owned by one shard.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "core/base/random.h"
#include "core/base/time.h"
#include "core/presence/deadline_wheel.h"

namespace chat {

class HeartbeatSchedule {
 public:
  /// When a session that attached at `attached` sends its first heartbeat if it sends nothing else.
  static Instant first_at(Instant attached, Duration interval, Random& random);
  /// When it sends the next one after a frame at `sent`.
  static Instant next_at(Instant sent, Duration interval) { return sent + interval; }

  explicit HeartbeatSchedule(uint32_t interval_ticks);

  void reserve(size_t slots) { wheel_.reserve(slots); }
  /// The slot's session attaches at `tick`.
  void add(uint32_t slot, uint32_t tick, Random& random);
  /// The slot's session ends; no effect when it is not scheduled.
  void remove(uint32_t slot) { wheel_.erase(slot); }

  /// The slots sent another frame at `tick`; their next heartbeat is an interval later. Each was
  /// added once; slots that are no longer scheduled are left alone.
  void sent(std::span<const uint32_t> slots, uint32_t tick) {
    wheel_.postpone(slots, tick + interval_);
  }

  /// Appends the slots whose heartbeat is due at `tick` or before, each once, and schedules their
  /// next one an interval after it was due. The order depends on nothing but the calls. `tick`
  /// never decreases.
  void next(uint32_t tick, std::vector<uint32_t>& due_out);

  size_t size() const { return wheel_.size(); }
  size_t memory_bytes() const { return wheel_.memory_bytes(); }
  /// memory_bytes() per scheduled slot; 0 without any.
  double bytes_per_slot() const;

 private:
  uint32_t interval_;
  DeadlineWheel wheel_;
};

}  // namespace chat
