// VirtualDelayLog: carries the delay commands of one process's engines to its DelayLog in virtual
// time: they run late, in the order of emission, and answers come later still, in any order; some
// appends fail. With a DiskModel the disk's queue says when they run, and answers come at once.
// When the process crashes, a random prefix of what has not run yet is kept. Owns no entries.
// Thread rule: one thread.
#pragma once

#include <deque>
#include <functional>
#include <optional>

#include "core/base/random.h"
#include "core/engine/io.h"
#include "core/store/delay_log.h"
#include "sim/virtual/disk_queue.h"
#include "sim/virtual/occurrence_queue.h"
#include "sim/virtual/slowdown.h"

namespace chat::sim {

struct VirtualDelayFaults {
  Duration delay_max = milliseconds(5);  ///< Before a command runs, and again before its answer.
  uint32_t error_one_in = 0;             ///< Appends that fail for certain; 0 = never.
};

class VirtualDelayLog {
 public:
  using Answer = std::function<void(DelayDone)>;

  VirtualDelayLog(OccurrenceQueue& queue, DelayLog& backend, Random random)
      : queue_(queue), backend_(backend), random_(random) {}

  void set_faults(const VirtualDelayFaults& faults) { faults_ = faults; }
  /// In the place of the delays of the faults; before the first command.
  void set_disk(const DiskModel& model, Random random) {
    disk_.emplace(queue_, model, slow_, random);
  }
  /// Everything takes `factor` times as long for a while from now on.
  void slow_down(double factor, Duration duration) { slow_.begin(factor, queue_.now() + duration); }
  /// `answer` is called once, unless the process crashes before.
  void execute(Delay delay, Answer answer);
  void crash();

 private:
  struct Command {
    Delay delay;
    Answer answer;
  };

  Duration pause() {
    return slow_.of(Duration{random_.between(10'000, faults_.delay_max.ns)}, queue_.now());
  }
  void run();
  Status write(const DelayCommand& command);

  OccurrenceQueue& queue_;
  DelayLog& backend_;
  Random random_;
  VirtualDelayFaults faults_;
  Slowdown slow_;
  std::optional<DiskQueue> disk_;
  std::deque<Command> commands_;  ///< Not run yet.
  Instant busy_until_;
  uint64_t life_ = 0;  ///< Outdates what was planned before a crash.
};

}  // namespace chat::sim
