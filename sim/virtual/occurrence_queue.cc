#include "sim/virtual/occurrence_queue.h"

#include <algorithm>
#include <utility>

namespace chat::sim {

bool OccurrenceQueue::later(const Occurrence& a, const Occurrence& b) {
  return a.when > b.when || (a.when == b.when && a.sequence > b.sequence);
}

void OccurrenceQueue::at(Instant when, Action action) {
  if (free_.empty()) {
    free_.push_back(actions_.size());
    actions_.emplace_back();
  }
  const size_t place = free_.back();
  free_.pop_back();
  actions_[place] = std::move(action);
  heap_.push_back({std::max(when, now_), next_sequence_++, place});
  std::push_heap(heap_.begin(), heap_.end(), later);
}

bool OccurrenceQueue::run_next(Instant limit) {
  if (heap_.empty() || heap_.front().when > limit) {
    now_ = std::max(now_, limit);
    return false;
  }
  std::pop_heap(heap_.begin(), heap_.end(), later);
  const Occurrence occurrence = heap_.back();
  heap_.pop_back();
  free_.push_back(occurrence.action);
  const Action action = std::exchange(actions_[occurrence.action], {});
  now_ = occurrence.when;
  action();
  return true;
}

}  // namespace chat::sim
