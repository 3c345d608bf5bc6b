#include "sim/fleet/calendar.h"

#include <utility>

#include "core/base/assert.h"

namespace chat::sim {

void Calendar::add(uint32_t unit, uint32_t entry) {
  CHAT_ASSERT(unit < heads_.size());
  uint32_t& head = heads_[unit];
  if (head == kNone || chunks_[head].count == kChunkEntries) {
    const uint32_t chunk = new_chunk();
    chunks_[chunk].next = head;
    head = chunk;
  }
  Chunk& chunk = chunks_[head];
  chunk.entries[chunk.count++] = entry;
}

void Calendar::take(uint32_t unit, std::vector<uint32_t>& out) {
  uint32_t index = std::exchange(heads_[unit], kNone);
  while (index != kNone) {
    Chunk& chunk = chunks_[index];
    out.insert(out.end(), chunk.entries.begin(), chunk.entries.begin() + chunk.count);
    const uint32_t next = std::exchange(chunk.next, free_chunk_);
    free_chunk_ = index;
    index = next;
  }
}

uint32_t Calendar::new_chunk() {
  if (free_chunk_ == kNone) {
    chunks_.emplace_back();
    return static_cast<uint32_t>(chunks_.size()) - 1;
  }
  const uint32_t chunk = free_chunk_;
  free_chunk_ = chunks_[chunk].next;
  chunks_[chunk].count = 0;
  return chunk;
}

}  // namespace chat::sim
