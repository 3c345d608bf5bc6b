#include "core/engine/timer_queue.h"

#include <algorithm>

namespace chat {

TimerHandle TimerQueue::arm(Instant deadline, const TimerEvent& event) {
  if (free_slots_.empty()) {
    free_slots_.push_back(static_cast<uint32_t>(slots_.size()));
    slots_.push_back({{}, 1});
  }
  const uint32_t slot = free_slots_.back();
  free_slots_.pop_back();
  slots_[slot].event = event;
  const TimerHandle handle{slot, slots_[slot].generation};
  heap_.push_back({deadline, next_order_++, handle});
  std::push_heap(heap_.begin(), heap_.end(), later);
  return handle;
}

bool TimerQueue::cancel(TimerHandle handle) {
  if (!handle || handle.slot >= slots_.size()) return false;
  if (slots_[handle.slot].generation != handle.generation) return false;
  release(handle.slot);
  ++dead_;
  if (dead_ * 2 > heap_.size()) {
    std::erase_if(heap_, [this](const Entry& entry) { return !alive(entry); });
    std::make_heap(heap_.begin(), heap_.end(), later);
    dead_ = 0;
  }
  drop_dead_front();
  return true;
}

std::optional<TimerEvent> TimerQueue::pop_due(Instant now) {
  if (heap_.empty() || heap_.front().deadline > now) return std::nullopt;
  const uint32_t slot = heap_.front().handle.slot;
  const TimerEvent event = slots_[slot].event;
  release(slot);
  pop_front();
  drop_dead_front();
  return event;
}

bool TimerQueue::later(const Entry& a, const Entry& b) {
  return a.deadline != b.deadline ? a.deadline > b.deadline : a.order > b.order;
}

bool TimerQueue::alive(const Entry& entry) const {
  return slots_[entry.handle.slot].generation == entry.handle.generation;
}

void TimerQueue::release(uint32_t slot) {
  uint32_t& generation = slots_[slot].generation;
  // 0 is the generation of the handle that names no timer.
  if (++generation == 0) generation = 1;
  free_slots_.push_back(slot);
}

void TimerQueue::pop_front() {
  std::pop_heap(heap_.begin(), heap_.end(), later);
  heap_.pop_back();
}

void TimerQueue::drop_dead_front() {
  while (!heap_.empty() && !alive(heap_.front())) {
    pop_front();
    --dead_;
  }
}

}  // namespace chat
