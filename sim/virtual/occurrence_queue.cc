#include "sim/virtual/occurrence_queue.h"

#include <algorithm>
#include <tuple>

namespace chat::sim {

bool OccurrenceQueue::later(const Occurrence& a, const Occurrence& b) {
  return std::tuple(a.when, a.sequence) > std::tuple(b.when, b.sequence);
}

void OccurrenceQueue::at(Instant when, Action action) {
  heap_.push_back({std::max(when, now_), next_sequence_++, std::move(action)});
  std::push_heap(heap_.begin(), heap_.end(), later);
}

bool OccurrenceQueue::run_next(Instant limit) {
  if (heap_.empty() || heap_.front().when > limit) {
    now_ = std::max(now_, limit);
    return false;
  }
  std::pop_heap(heap_.begin(), heap_.end(), later);
  const Occurrence occurrence = std::move(heap_.back());
  heap_.pop_back();
  now_ = occurrence.when;
  occurrence.action();
  return true;
}

}  // namespace chat::sim
