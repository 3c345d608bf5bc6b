// JobPool: a few threads that run account jobs (SQL, Argon2id) off the reactors, first in first
// out. A job calls its own completion; the pool knows nothing of it. The queue is bounded. Thread
// rule: every function from any thread; stop() not from a job.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "core/base/error.h"

namespace chat {

struct JobPoolOptions {
  int threads = 2;
  size_t queue_max = 1'024;
};

class JobPool {
 public:
  explicit JobPool(const JobPoolOptions& options);
  ~JobPool();

  /// Queues a job; Error unavailable when the queue is full or the pool has stopped: the job will
  /// not run.
  Status submit(std::function<void()> job);
  /// Refuses new jobs, runs the queued ones, ends the threads. May be called again.
  void stop();
  size_t waiting() const;

 private:
  void run();

  const JobPoolOptions options_;
  mutable std::mutex mutex_;
  std::condition_variable ready_;
  std::deque<std::function<void()>> jobs_;
  bool closed_ = false;
  std::mutex stop_mutex_;
  std::vector<std::thread> threads_;
};

}  // namespace chat
