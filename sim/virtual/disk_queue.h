// DiskQueue: a disk as a store uses it. Reads wait for one of a few readers; writes wait for the
// one writer, which takes all that wait as a group and syncs once for them. It carries no data: who
// gave it a read or a write is called when that is done. Thread rule: its queue's.
#pragma once

#include <cstdint>
#include <deque>

#include "core/base/random.h"
#include "sim/scenario/virtual_setup.h"
#include "sim/virtual/occurrence_queue.h"
#include "sim/virtual/service_station.h"
#include "sim/virtual/slowdown.h"

namespace chat::sim {

class DiskQueue {
 public:
  using Action = OccurrenceQueue::Action;

  /// `slow` outlives it; it holds for the reads asked for and the groups begun meanwhile.
  DiskQueue(OccurrenceQueue& queue, const DiskModel& model, const Slowdown& slow, Random random)
      : queue_(queue), model_(model), slow_(slow), random_(random), readers_(model.readers) {}

  void read(Action done);
  /// Writes are done in the order of these calls.
  void write(uint64_t bytes, Action done);
  /// Groups of writes so far.
  uint64_t syncs() const { return syncs_; }

 private:
  struct Write {
    uint64_t bytes;
    Action done;
  };

  Duration service(Duration mean);
  void begin_group();
  void end_group();

  OccurrenceQueue& queue_;
  const DiskModel model_;
  const Slowdown& slow_;
  Random random_;
  ServiceStation readers_;
  std::deque<Write> writes_;  ///< The group being written, then those that wait.
  size_t group_ = 0;          ///< Writes of the group being written; 0 = none is.
  uint64_t syncs_ = 0;
};

}  // namespace chat::sim
