#include "sim/fleet/worker_pool.h"

#include <algorithm>

namespace chat::sim {

WorkerPool::WorkerPool(uint32_t threads) : round_(std::max(threads, 1u)) {
  for (uint32_t i = 1; i < threads; ++i) {
    threads_.emplace_back([this] {
      for (;;) {
        round_.arrive_and_wait();
        if (stop_) return;
        work();
        round_.arrive_and_wait();
      }
    });
  }
}

WorkerPool::~WorkerPool() {
  stop_ = true;
  round_.arrive_and_wait();
  for (std::thread& thread : threads_) thread.join();
}

void WorkerPool::run(uint32_t count, const std::function<void(uint32_t)>& task) {
  task_ = &task;
  count_ = count;
  next_ = 0;
  round_.arrive_and_wait();
  work();
  round_.arrive_and_wait();
}

void WorkerPool::work() {
  for (uint32_t i = next_++; i < count_; i = next_++) (*task_)(i);
}

}  // namespace chat::sim
