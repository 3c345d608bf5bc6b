// WorkerPool: runs numbered tasks on a fixed number of threads, the caller's included. Which thread
// runs which task is left to chance; tasks must not share anything that changes.
// Thread rule: run() is called by one thread at a time.
#pragma once

#include <atomic>
#include <barrier>
#include <cstdint>
#include <functional>
#include <thread>
#include <vector>

namespace chat::sim {

class WorkerPool {
 public:
  /// At least one thread.
  explicit WorkerPool(uint32_t threads);
  ~WorkerPool();
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;

  /// Calls task(0) … task(count - 1), each once, and returns when all are done.
  void run(uint32_t count, const std::function<void(uint32_t)>& task);

 private:
  void work();

  const std::function<void(uint32_t)>* task_ = nullptr;
  uint32_t count_ = 0;
  std::atomic<uint32_t> next_{0};
  bool stop_ = false;
  std::barrier<> round_;
  std::vector<std::thread> threads_;
};

}  // namespace chat::sim
