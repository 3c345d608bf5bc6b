// DelayService: the thread between reactors and a DelayLog. It puts every command that waits into
// one write, which is one sync (group commit, first in first out). Its queue is bounded. Owns its
// thread; uses the log and the sinks, which must outlive stop(). Thread rule: every function from
// any thread.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <mutex>
#include <thread>
#include <vector>

#include "core/base/ids.h"
#include "core/store/delay_log.h"

namespace chat {

/// Where answers go: the mailbox of a reactor.
class DelaySink {
 public:
  virtual ~DelaySink() = default;
  /// Called once per submitted command, by the service's thread; by the submitting thread, within
  /// submit(), when the command is refused.
  virtual void delay_done(DelayToken token, Status status) = 0;
};

struct DelayCounters {
  uint64_t writes = 0;    ///< Calls of DelayLog::write, each of which syncs at most once.
  uint64_t commands = 0;  ///< Executed.
  uint64_t failed = 0;    ///< Answered with an error.
};

class DelayService {
 public:
  explicit DelayService(DelayLog& log, size_t queue_commands_max = 65'536);
  ~DelayService();

  /// Queues a command. A full queue or a stopped service answers Error unavailable at once.
  void submit(DelayToken token, DelayCommand command, DelaySink& sink);
  /// Refuses new commands, executes and answers the queued ones, ends the thread. May be called
  /// again.
  void stop();
  DelayCounters counters() const;

 private:
  struct Job {
    DelayToken token;
    DelaySink* sink;
    DelayCommand command;
  };

  void run();

  DelayLog& log_;
  const size_t queue_commands_max_;
  std::mutex mutex_;
  std::condition_variable ready_;
  std::deque<Job> jobs_;
  bool closed_ = false;
  std::atomic<uint64_t> writes_{0};
  std::atomic<uint64_t> commands_{0};
  std::atomic<uint64_t> failed_{0};
  std::mutex stop_mutex_;
  std::thread thread_;
};

}  // namespace chat
