// DeadlineWheel: one deadline per slot, made for deadlines that nearly always move before they are
// reached. A structure of arrays over slot numbers 0, 1, 2, … that the caller hands out. Postponing
// a deadline is one store; the slot's entry stays in the bucket of the old deadline and moves when
// that bucket's turn comes (a timing wheel with lazy re-filing). Buckets are lists of 64-byte
// chunks from one pool: nothing is allocated per deadline. 8 bytes per slot and 4.6 per entry, plus
// up to a chunk per bucket. Thread rule: owned by one engine or shard.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace chat {

class DeadlineWheel {
 public:
  /// Made for deadlines up to `span_ticks` ahead; later ones work and are looked at once per span.
  explicit DeadlineWheel(uint32_t span_ticks);

  void reserve(size_t slots);
  /// Starts to track the slot, or gives a tracked one this deadline even if it is earlier than
  /// before.
  void insert(uint32_t slot, uint32_t deadline);
  /// Stops tracking; no effect on a slot that is not tracked.
  void erase(uint32_t slot);
  bool contains(uint32_t slot) const { return slot < filed_at_.size() && filed_at_[slot] != kNone; }

  /// Moves the deadlines of slots that were inserted once. They must not move backwards: use
  /// insert() for that. No effect on slots that are no longer tracked.
  void postpone(std::span<const uint32_t> slots, uint32_t deadline) {
    for (const uint32_t slot : slots) deadline_[slot] = deadline;
  }

  /// Appends the slots with deadline ≤ `tick` and stops tracking them. The order depends on nothing
  /// but the calls. `tick` never decreases.
  void collect(uint32_t tick, std::vector<uint32_t>& due_out);
  /// The deadline of a slot that is tracked or was just collected.
  uint32_t deadline(uint32_t slot) const { return deadline_[slot]; }
  /// No slot is due before this tick; nullopt when none is tracked.
  std::optional<uint32_t> next_due() const;

  size_t size() const { return size_; }
  size_t memory_bytes() const;

 private:
  static constexpr uint32_t kNone = UINT32_MAX;
  static constexpr uint32_t kChunkSlots = 14;

  struct alignas(64) Chunk {
    uint32_t next = kNone;
    uint32_t count = 0;
    std::array<uint32_t, kChunkSlots> slots;
  };

  void file(uint32_t slot);
  void collect_chunks(uint32_t first_chunk, uint32_t bucket, std::vector<uint32_t>& due_out);
  void prefetch(const Chunk& chunk) const;
  uint32_t new_chunk();

  std::vector<uint32_t> deadline_;
  // The tick under whose bucket the slot's valid entry is filed; entries that erase() or insert()
  // made void differ.
  std::vector<uint32_t> filed_at_;
  std::vector<uint32_t> heads_;
  std::vector<uint32_t>
      detached_;  ///< Scratch of collect(): the heads of the buckets whose turn it is.
  std::vector<Chunk> chunks_;
  uint32_t free_chunk_ = kNone;
  uint32_t mask_;
  uint32_t collected_ = 0;
  uint32_t next_due_ = kNone;
  size_t size_ = 0;
};

}  // namespace chat
