// PresenceWheel: which sessions have been silent for too long.
// It tracks session slots (small numbers that the caller hands out); a sign of life of a slot is
// one store. A slot is lost when `timeout` ticks have passed since its last sign of life, never
// earlier. What follows (grace, edges) is the caller's. Ticks come from a TickScale: refresh with
// round_up(now), sweep with round_down(now). Thread rule: owned by one engine or shard.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "core/base/time.h"
#include "core/presence/deadline_wheel.h"
#include "core/presence/tick_scale.h"

namespace chat {

class PresenceWheel {
 public:
  explicit PresenceWheel(uint32_t timeout_ticks) : timeout_(timeout_ticks), wheel_(timeout_ticks) {}

  /// A session is lost after 2.5 heartbeat intervals of silence.
  static uint32_t timeout_ticks(Duration heartbeat_interval, const TickScale& scale) {
    return scale.span(heartbeat_interval * 5 / 2);
  }

  void reserve(size_t slots) { wheel_.reserve(slots); }
  /// The slot's session begins with a sign of life.
  void add(uint32_t slot, uint32_t tick) { wheel_.insert(slot, tick + timeout_); }
  /// The slot's session ended otherwise; no effect when it is not tracked.
  void remove(uint32_t slot) { wheel_.erase(slot); }
  bool contains(uint32_t slot) const { return wheel_.contains(slot); }

  /// Signs of life at `tick`, which never decreases for a slot. A slot that was added once and is
  /// no longer tracked is left alone.
  void refresh(std::span<const uint32_t> slots, uint32_t tick) {
    wheel_.postpone(slots, tick + timeout_);
  }
  /// The tick of the slot's last sign of life; the slot must have been added.
  uint32_t last_tick(uint32_t slot) const { return wheel_.deadline(slot) - timeout_; }

  /// Appends the slots that are lost at `tick`, by (last sign of life, slot), and stops tracking
  /// them.
  void sweep(uint32_t tick, std::vector<uint32_t>& expired_out);
  /// No slot is lost before this tick; nullopt when none is tracked.
  std::optional<uint32_t> next_sweep() const { return wheel_.next_due(); }

  size_t size() const { return wheel_.size(); }
  size_t memory_bytes() const { return wheel_.memory_bytes(); }
  /// memory_bytes() per tracked slot; 0 without any.
  double bytes_per_slot() const;

 private:
  uint32_t timeout_;
  DeadlineWheel wheel_;
};

}  // namespace chat
