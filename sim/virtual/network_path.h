// NetworkPath: what happens on one way of a network path to what is sent there: it waits for its
// turn when bandwidth is short, takes its time, and may meet a burst of loss. A stream sends again
// what was lost, as TCP does; a datagram is gone, may come twice, and may be overtaken. It holds
// the state of the path only, the model comes with every call. Thread rule: plain value.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "core/base/random.h"
#include "core/base/time.h"
#include "sim/scenario/virtual_setup.h"

namespace chat::sim {

/// When the copies of a datagram arrive: none, one or two.
struct Arrivals {
  std::array<Instant, 2> at;
  size_t count = 0;

  const Instant* begin() const { return at.data(); }
  const Instant* end() const { return at.data() + count; }
  void add(Instant when) { at[count++] = when; }
};

class NetworkPath {
 public:
  /// When a part of a stream arrives that is sent at `sent`. Losses delay it, and what is sent
  /// while it is missing arrives no earlier than its last repetition; jitter may still disorder
  /// the answers: the caller keeps the order.
  Instant stream(const PathModel& model, Instant sent, uint64_t bytes, Random& random);
  Arrivals datagram(const PathModel& model, Instant sent, uint64_t bytes, Random& random);
  /// When no more than `buffer_bytes` of what was given to this path wait for their turn.
  Instant room_at(const PathModel& model, Instant now, uint64_t buffer_bytes) const;

 private:
  Instant leave(const PathModel& model, Instant sent, uint64_t bytes);
  bool is_lost(const BurstLoss& loss, Instant when, Random& random);

  Instant free_at_;    ///< When all that was sent has left.
  Instant looked_at_;  ///< When the path was last found good or bad.
  bool bad_ = false;   ///< Then.
};

}  // namespace chat::sim
