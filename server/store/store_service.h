// StoreService: the threads between reactors and a ChatStore. One writer thread puts every write
// that waits into one ChatStore::write (group commit, first in first out); a few reader threads
// execute reads. Queues are bounded. It decides nothing about rows. Owns its threads; uses the
// store and the sinks, which must outlive stop(). Thread rule: every function from any thread.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "core/base/ids.h"
#include "core/store/chat_store.h"

namespace chat {

/// Where answers go: the mailbox of a reactor.
class StoreSink {
 public:
  virtual ~StoreSink() = default;
  /// Called once per submitted command, by a thread of the service; by the submitting thread,
  /// within submit(), when the command is refused.
  virtual void store_done(StoreToken token, StoreResult result) = 0;
};

struct StoreServiceOptions {
  int read_threads = 2;
  size_t queue_commands_max = 65'536;       ///< Waiting writes; waiting reads have the same limit.
  uint64_t queue_bytes_max = 256ull << 20;  ///< Contents of waiting writes.
  size_t batch_commands_max = 2'048;        ///< Per group commit.
  uint64_t batch_bytes_max = 8ull << 20;    ///< Per group commit; one larger command goes alone.
};

struct StoreCounters {
  uint64_t batches = 0;   ///< Calls of ChatStore::write, each of which syncs at most once.
  uint64_t commands = 0;  ///< Writes executed.
  uint64_t rows = 0;      ///< Rows that these writes asked to put.
  uint64_t bytes = 0;     ///< Their contents.
  uint64_t reads = 0;
  uint64_t refused =
      0;  ///< Answered `unavailable` because a queue was full or the service stopped.
  uint64_t writes_waiting = 0;  ///< Now.
  uint64_t reads_waiting = 0;   ///< Now.
};

class StoreService {
 public:
  StoreService(ChatStore& store, const StoreServiceOptions& options);
  ~StoreService();

  /// Queues a command. Writes submitted by one thread execute in that order. A full queue or a
  /// stopped service answers Error unavailable at once.
  void submit(StoreToken token, StoreCommand command, StoreSink* sink);

  /// Refuses new commands, executes and answers the queued ones, ends the threads. May be called
  /// again.
  void stop();

  StoreCounters counters() const;

 private:
  struct Job {
    StoreToken token;
    StoreSink* sink;
    StoreCommand command;
  };
  struct Batch {
    std::vector<StoreToken> tokens;
    std::vector<StoreSink*> sinks;
    std::vector<StoreCommand> commands;
  };

  bool enqueue(Job& job);
  void run_writer();
  void run_reader();
  bool take_batch(Batch& batch);
  bool take_read(Job& job);

  ChatStore& store_;
  const StoreServiceOptions options_;

  mutable std::mutex write_mutex_;
  std::condition_variable write_ready_;
  std::deque<Job> writes_;
  uint64_t write_bytes_ = 0;
  bool writes_closed_ = false;

  mutable std::mutex read_mutex_;
  std::condition_variable read_ready_;
  std::deque<Job> reads_;
  bool reads_closed_ = false;

  std::atomic<uint64_t> batches_{0};
  std::atomic<uint64_t> commands_{0};
  std::atomic<uint64_t> rows_{0};
  std::atomic<uint64_t> bytes_{0};
  std::atomic<uint64_t> reads_done_{0};
  std::atomic<uint64_t> refused_{0};

  std::mutex stop_mutex_;
  std::vector<std::thread> threads_;
};

}  // namespace chat
