// OccurrenceQueue: what happens in a virtual world, in the order of (time, sequence). Time moves
// only here, from one occurrence to the next. An action may add further ones. Thread rule: one
// thread.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "core/base/time.h"

namespace chat::sim {

class OccurrenceQueue {
 public:
  using Action = std::function<void()>;

  Instant now() const { return now_; }
  /// Runs `action` at `when`, or now if that has passed; equal times run in the order of these
  /// calls.
  void at(Instant when, Action action);
  void after(Duration delay, Action action) { at(now_ + delay, std::move(action)); }
  /// Runs the next occurrence if it is due by `limit`; else moves time to `limit` and answers
  /// false.
  bool run_next(Instant limit);
  uint64_t occurrences() const { return next_sequence_; }

 private:
  /// Small, for the heap moves it about; its action stays where it is.
  struct Occurrence {
    Instant when;
    uint64_t sequence;
    size_t action;
  };
  static bool later(const Occurrence& a, const Occurrence& b);

  Instant now_;
  uint64_t next_sequence_ = 0;
  std::vector<Occurrence> heap_;
  std::vector<Action> actions_;
  std::vector<size_t> free_;  ///< Places in actions_.
};

}  // namespace chat::sim
