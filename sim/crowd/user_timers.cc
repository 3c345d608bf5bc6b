#include "sim/crowd/user_timers.h"

#include <utility>

namespace chat::sim {

UserTimers::UserTimers(uint32_t users) : slots_(users, kNowhere) { heap_.reserve(users); }

void UserTimers::place(size_t slot, Entry entry) {
  heap_[slot] = entry;
  slots_[entry.user] = static_cast<uint32_t>(slot);
}

void UserTimers::sift_up(size_t slot) {
  const Entry entry = heap_[slot];
  while (slot > 0) {
    const size_t parent = (slot - 1) / 2;
    if (heap_[parent].at <= entry.at) break;
    place(slot, heap_[parent]);
    slot = parent;
  }
  place(slot, entry);
}

void UserTimers::sift_down(size_t slot) {
  const Entry entry = heap_[slot];
  for (;;) {
    size_t child = slot * 2 + 1;
    if (child >= heap_.size()) break;
    if (child + 1 < heap_.size() && heap_[child + 1].at < heap_[child].at) ++child;
    if (entry.at <= heap_[child].at) break;
    place(slot, heap_[child]);
    slot = child;
  }
  place(slot, entry);
}

void UserTimers::remove(size_t slot) {
  slots_[heap_[slot].user] = kNowhere;
  const Entry last = heap_.back();
  heap_.pop_back();
  if (slot == heap_.size()) return;
  place(slot, last);
  sift_up(slot);
  sift_down(slots_[last.user]);
}

void UserTimers::set(uint32_t user, Instant at) {
  const uint32_t slot = slots_[user];
  if (slot == kNowhere) {
    if (at == kNever) return;
    heap_.push_back({at, user});
    sift_up(heap_.size() - 1);
    return;
  }
  if (at == kNever) return remove(slot);
  const Instant before = std::exchange(heap_[slot].at, at);
  if (at < before) {
    sift_up(slot);
  } else {
    sift_down(slot);
  }
}

std::optional<uint32_t> UserTimers::pop_due(Instant now) {
  if (next() > now) return std::nullopt;
  const uint32_t user = heap_.front().user;
  remove(0);
  return user;
}

}  // namespace chat::sim
