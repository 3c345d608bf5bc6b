// TimerQueue: the armed timers of one engine, ordered by (deadline, arming order).
// A binary heap in a vector; payloads sit in reused slots, so arming allocates only while the queue
// grows. Cancelling leaves a dead entry in the heap that is dropped when it surfaces or when half
// of the heap is dead. It never reads a clock and calls nobody. Thread rule: owned by one engine.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "core/base/time.h"

namespace chat {

/// What a timer says when it fires; the meaning of all fields is the engine's.
struct TimerEvent {
  uint8_t kind = 0;
  uint64_t id = 0;
  uint64_t extra = 0;
  bool operator==(const TimerEvent&) const = default;
};

/// Names one arming of a timer; the default value names none.
struct TimerHandle {
  uint32_t slot = 0;
  uint32_t generation = 0;
  bool operator==(const TimerHandle&) const = default;
  explicit operator bool() const { return generation != 0; }
};

class TimerQueue {
 public:
  /// Arms a timer that fires in the first turn with now ≥ `deadline`; timers of one deadline fire
  /// as armed.
  TimerHandle arm(Instant deadline, const TimerEvent& event);
  /// Disarms. False, and no effect, when it has fired, was cancelled before, or names no timer.
  bool cancel(TimerHandle handle);
  /// Removes and returns the first timer that is due, or nullopt.
  std::optional<TimerEvent> pop_due(Instant now);
  /// The deadline of the first timer; kNever when none is armed.
  Instant next_deadline() const { return heap_.empty() ? kNever : heap_.front().deadline; }
  size_t size() const { return heap_.size() - dead_; }

 private:
  struct Entry {
    Instant deadline;
    uint64_t order;
    TimerHandle handle;
  };
  struct Slot {
    TimerEvent event;
    uint32_t generation = 0;
  };

  static bool later(const Entry& a, const Entry& b);
  bool alive(const Entry& entry) const;
  void release(uint32_t slot);
  void pop_front();
  void drop_dead_front();

  std::vector<Entry> heap_;
  std::vector<Slot> slots_;
  std::vector<uint32_t> free_slots_;
  uint64_t next_order_ = 0;
  size_t dead_ = 0;
};

}  // namespace chat
