// VirtualStore: carries the store commands of engines to a ChatStore in virtual time. Writes of one
// chat and of one user run in the order in which an engine emitted them; everything else is
// shuffled: commands run late, answers come later still, some are `unknown`, spurious conflicts or
// errors. With a DiskModel the disk's queue says when commands run, in order, and answers come at
// once. When an engine crashes, a random prefix of its unanswered writes is kept, per chat and per
// inbox. Owns no rows. Thread rule: one thread.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <variant>

#include "core/base/random.h"
#include "core/engine/io.h"
#include "core/store/chat_store.h"
#include "sim/virtual/disk_queue.h"
#include "sim/virtual/occurrence_queue.h"
#include "sim/virtual/slowdown.h"

namespace chat::sim {

struct VirtualStoreFaults {
  Duration delay_max = milliseconds(5);  ///< Before a command runs, and again before its answer.
  Duration stall = milliseconds(500);    ///< The delay of one command in `stall_one_in`.
  uint32_t stall_one_in = 0;             ///< Here and below: 0 = never.
  uint32_t unknown_one_in = 0;           ///< Writes answered `unknown`, half of them executed.
  uint32_t conflict_one_in = 0;  ///< Writes refused with a conflict that names the true head.
  uint32_t error_one_in = 0;     ///< Commands that fail for certain.
};

class VirtualStore {
 public:
  using Answer = std::function<void(StoreDone)>;

  VirtualStore(OccurrenceQueue& queue, ChatStore& backend, Random random)
      : queue_(queue), backend_(backend), random_(random) {}

  void set_faults(const VirtualStoreFaults& faults) { faults_ = faults; }
  /// In the place of the delays of the faults; before the first command.
  void set_disk(const DiskModel& model, Random random) {
    disk_.emplace(queue_, model, slow_, random);
  }
  /// `answer` is called once, unless the engine crashes before.
  void execute(EngineRef engine, Store store, Answer answer);
  /// Nothing runs for a while from now on.
  void stall(Duration duration) { stalled_until_ = queue_.now() + duration; }
  /// A share of the commands that run within the next `duration` fails for certain.
  void fail(double share, Duration duration) {
    failing_share_ = share;
    failing_until_ = queue_.now() + duration;
  }
  /// Everything takes `factor` times as long for a while from now on.
  void slow_down(double factor, Duration duration) { slow_.begin(factor, queue_.now() + duration); }
  /// Ends all commands of this engine.
  void crash(EngineRef engine);

 private:
  using Lane = std::variant<ChatId, UserId>;
  struct Command {
    EngineRef engine;
    StoreToken token;
    StoreCommand command;
    Answer answer;
    bool executed = false;
  };

  static std::vector<Lane> lanes_of(const StoreCommand& command);
  Duration delay();
  Instant shuffled(const Command& command);
  bool fails();
  void run(uint64_t number);
  StoreResult run_write(const StoreCommand& command);
  StoreResult true_conflict(const StoreCommand& command);
  uint64_t head_of(const ChatId& chat);
  uint64_t head_of(UserId user);
  bool one_in(uint32_t n) { return n > 0 && random_.chance(1, n); }

  OccurrenceQueue& queue_;
  ChatStore& backend_;
  Random random_;
  VirtualStoreFaults faults_;
  std::optional<DiskQueue> disk_;
  Instant stalled_until_;
  Instant failing_until_;
  double failing_share_ = 0;
  Slowdown slow_;
  uint64_t next_number_ = 1;
  std::map<uint64_t, Command> commands_;  ///< Unanswered, by number of emission.
  std::map<std::pair<EngineRef, Lane>, Instant> lane_busy_until_;
};

}  // namespace chat::sim
