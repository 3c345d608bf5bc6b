#include "core/presence/deadline_wheel.h"

#include <algorithm>
#include <bit>
#include <utility>

#include "core/base/assert.h"

namespace chat {

// Two more than the span: the bucket just collected, and a start that was rounded up.
DeadlineWheel::DeadlineWheel(uint32_t span_ticks)
    : heads_(std::bit_ceil(span_ticks + 2), kNone),
      detached_(heads_.size()),
      mask_(static_cast<uint32_t>(heads_.size()) - 1) {
  CHAT_ASSERT(span_ticks < (uint32_t{1} << 30));
}

void DeadlineWheel::reserve(size_t slots) {
  deadline_.reserve(slots);
  filed_at_.reserve(slots);
  chunks_.reserve(slots / kChunkSlots + heads_.size());
}

void DeadlineWheel::insert(uint32_t slot, uint32_t deadline) {
  if (slot >= filed_at_.size()) {
    deadline_.resize(size_t{slot} + 1);
    filed_at_.resize(size_t{slot} + 1, kNone);
  }
  if (filed_at_[slot] == kNone) ++size_;
  deadline_[slot] = deadline;
  file(slot);
}

void DeadlineWheel::erase(uint32_t slot) {
  if (!contains(slot)) return;
  filed_at_[slot] = kNone;
  --size_;
}

void DeadlineWheel::file(uint32_t slot) {
  const uint32_t tick = std::clamp(deadline_[slot], collected_ + 1, collected_ + mask_);
  // Filed there already: a second entry would say nothing new.
  if (filed_at_[slot] == tick) return;
  filed_at_[slot] = tick;
  next_due_ = std::min(next_due_, tick);
  uint32_t& head = heads_[tick & mask_];
  if (head == kNone || chunks_[head].count == kChunkSlots) {
    const uint32_t chunk = new_chunk();
    chunks_[chunk].next = head;
    head = chunk;
  }
  Chunk& chunk = chunks_[head];
  chunk.slots[chunk.count++] = slot;
}

uint32_t DeadlineWheel::new_chunk() {
  if (free_chunk_ == kNone) {
    chunks_.emplace_back();
    return static_cast<uint32_t>(chunks_.size()) - 1;
  }
  const uint32_t chunk = free_chunk_;
  free_chunk_ = chunks_[chunk].next;
  chunks_[chunk].count = 0;
  return chunk;
}

void DeadlineWheel::collect(uint32_t tick, std::vector<uint32_t>& due_out) {
  if (tick <= collected_) return;
  const uint32_t first = collected_ + 1;
  const uint32_t buckets = std::min(tick - collected_, mask_ + 1);
  collected_ = tick;
  if (next_due_ > tick) return;
  // All are detached first, for what is filed anew may belong into a bucket of this very turn, one
  // round later.
  for (uint32_t i = 0; i < buckets; ++i) {
    detached_[i] = std::exchange(heads_[(first + i) & mask_], kNone);
  }
  for (uint32_t i = 0; i < buckets; ++i) {
    collect_chunks(detached_[i], (first + i) & mask_, due_out);
  }
  next_due_ = kNone;
  for (uint32_t i = 1; i <= mask_ && next_due_ == kNone; ++i) {
    if (heads_[(tick + i) & mask_] != kNone) next_due_ = tick + i;
  }
}

// A valid entry of the bucket is filed at a tick ≤ collected_; what is filed anew here is later.
void DeadlineWheel::collect_chunks(uint32_t first_chunk, uint32_t bucket,
                                   std::vector<uint32_t>& due_out) {
  uint32_t index = first_chunk;
  if (index != kNone) prefetch(chunks_[index]);
  while (index != kNone) {
    const Chunk chunk = chunks_[index];
    if (chunk.next != kNone) prefetch(chunks_[chunk.next]);
    chunks_[index].next = free_chunk_;
    free_chunk_ = index;
    for (uint32_t i = 0; i < chunk.count; ++i) {
      const uint32_t slot = chunk.slots[i];
      const uint32_t filed_at = filed_at_[slot];
      if (filed_at > collected_ || (filed_at & mask_) != bucket) continue;
      if (deadline_[slot] > collected_) {
        file(slot);
      } else {
        filed_at_[slot] = kNone;
        --size_;
        due_out.push_back(slot);
      }
    }
    index = chunk.next;
  }
}

// The slots of a bucket lie anywhere in memory; their cache misses overlap when they are asked for
// ahead.
void DeadlineWheel::prefetch(const Chunk& chunk) const {
  for (uint32_t i = 0; i < chunk.count; ++i) {
    __builtin_prefetch(&deadline_[chunk.slots[i]]);
    __builtin_prefetch(&filed_at_[chunk.slots[i]], 1);
  }
}

std::optional<uint32_t> DeadlineWheel::next_due() const {
  if (size_ == 0) return std::nullopt;
  return next_due_;
}

size_t DeadlineWheel::memory_bytes() const {
  return sizeof(*this) + chunks_.capacity() * sizeof(Chunk) +
         (deadline_.capacity() + filed_at_.capacity() + heads_.size() + detached_.size()) *
             sizeof(uint32_t);
}

}  // namespace chat
