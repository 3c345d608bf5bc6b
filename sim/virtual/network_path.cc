#include "sim/virtual/network_path.h"

#include <algorithm>
#include <cmath>

namespace chat::sim {
namespace {

constexpr Duration kRetransmitMax = seconds(60);
constexpr double kNsPerSecond = 1e9;

Duration time_of(uint64_t bytes, uint64_t bytes_per_s) {
  const double ns = static_cast<double>(bytes) * kNsPerSecond / static_cast<double>(bytes_per_s);
  return nanoseconds(static_cast<int64_t>(ns));
}

Duration way(const PathModel& model, Random& random) {
  if (model.jitter.ns == 0) return model.delay;
  const double jitter = random.exponential(static_cast<double>(model.jitter.ns));
  return model.delay + nanoseconds(static_cast<int64_t>(jitter));
}

bool happens(double share, Random& random) { return share > 0 && random.unit() < share; }

}  // namespace

Instant NetworkPath::stream(const PathModel& model, Instant sent, uint64_t bytes, Random& random) {
  Instant left = leave(model, sent, bytes);
  if (model.loss.share > 0) {
    left = std::max(left, looked_at_);
    Duration wait = model.retransmit_after;
    while (is_lost(model.loss, left, random)) {
      left = left + wait;
      wait = std::min(wait * 2, kRetransmitMax);
    }
  }
  return left + way(model, random);
}

Arrivals NetworkPath::datagram(const PathModel& model, Instant sent, uint64_t bytes,
                               Random& random) {
  Arrivals arrivals;
  const Instant left = leave(model, sent, bytes);
  if (is_lost(model.loss, std::max(left, looked_at_), random)) return arrivals;
  const int copies = happens(model.repeated_share, random) ? 2 : 1;
  for (int i = 0; i < copies; ++i) {
    Instant arrives = left + way(model, random);
    if (happens(model.overtaken_share, random)) arrives = arrives + model.overtaken_by;
    arrivals.add(arrives);
  }
  return arrivals;
}

Instant NetworkPath::room_at(const PathModel& model, Instant now, uint64_t buffer_bytes) const {
  if (model.bytes_per_s == 0) return now;
  return std::max(now, free_at_ - time_of(buffer_bytes, model.bytes_per_s));
}

Instant NetworkPath::leave(const PathModel& model, Instant sent, uint64_t bytes) {
  if (model.bytes_per_s == 0) return sent;
  free_at_ = std::max(free_at_, sent) + time_of(bytes, model.bytes_per_s);
  return free_at_;
}

// A Markov chain of two states in continuous time: what is left of the knowledge how the path was
// fades exponentially, so that it costs one draw to look again after any time.
bool NetworkPath::is_lost(const BurstLoss& loss, Instant when, Random& random) {
  if (loss.share <= 0) return false;
  const auto gone = static_cast<double>((when - looked_at_).ns);
  const double memory = static_cast<double>(loss.burst.ns) * (1 - loss.share);
  const double known = (bad_ ? 1 : 0) - loss.share;
  if (gone > 0) bad_ = random.unit() < loss.share + known * std::exp(-gone / memory);
  looked_at_ = when;
  return bad_;
}

}  // namespace chat::sim
