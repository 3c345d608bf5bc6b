// Calendar: numbers to be looked at in certain units of time, each in one. Lists of 64-byte chunks
// from one pool, so that millions of entries cost 4.6 bytes each. Nothing is moved or taken back.
// Thread rule: owned by one shard.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace chat::sim {

class Calendar {
 public:
  /// For the units 0 … units - 1.
  explicit Calendar(uint32_t units) : heads_(units, kNone) {}

  /// Makes room for so many entries at a time.
  void reserve(size_t entries) { chunks_.reserve(entries / kChunkEntries + heads_.size()); }
  void add(uint32_t unit, uint32_t entry);
  /// Takes out the entries of a unit and appends them. The order depends on nothing but the calls.
  void take(uint32_t unit, std::vector<uint32_t>& out);

  size_t memory_bytes() const {
    return chunks_.capacity() * sizeof(Chunk) + heads_.capacity() * sizeof(uint32_t);
  }

 private:
  static constexpr uint32_t kNone = UINT32_MAX;
  static constexpr uint32_t kChunkEntries = 14;

  struct alignas(64) Chunk {
    uint32_t next = kNone;
    uint32_t count = 0;
    std::array<uint32_t, kChunkEntries> entries;
  };

  uint32_t new_chunk();

  std::vector<uint32_t> heads_;
  std::vector<Chunk> chunks_;
  uint32_t free_chunk_ = kNone;
};

}  // namespace chat::sim
