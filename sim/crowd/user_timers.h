// UserTimers: one deadline per user in a binary heap; 24 bytes per user and no allocation after the
// start. Users with equal deadlines come in any order. Thread rule: one thread.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "core/base/time.h"

namespace chat::sim {

class UserTimers {
 public:
  explicit UserTimers(uint32_t users);

  /// Replaces the user's deadline; kNever removes it.
  void set(uint32_t user, Instant at);
  /// The earliest deadline; kNever when there is none.
  Instant next() const { return heap_.empty() ? kNever : heap_.front().at; }
  /// Removes and returns the user with the earliest deadline, if that is due.
  std::optional<uint32_t> pop_due(Instant now);

 private:
  struct Entry {
    Instant at;
    uint32_t user = 0;
  };
  static constexpr uint32_t kNowhere = UINT32_MAX;

  void place(size_t slot, Entry entry);
  void sift_up(size_t slot);
  void sift_down(size_t slot);
  void remove(size_t slot);

  std::vector<Entry> heap_;
  std::vector<uint32_t> slots_;  ///< By user: its place in the heap.
};

}  // namespace chat::sim
