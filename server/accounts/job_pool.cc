#include "server/accounts/job_pool.h"

#include <pthread.h>

#include "core/base/assert.h"

namespace chat {

JobPool::JobPool(const JobPoolOptions& options) : options_(options) {
  CHAT_ASSERT(options.threads > 0);
  for (int i = 0; i < options.threads; ++i) {
    threads_.emplace_back([this] { run(); });
    pthread_setname_np(threads_.back().native_handle(), "account-jobs");
  }
}

JobPool::~JobPool() { stop(); }

Status JobPool::submit(std::function<void()> job) {
  std::lock_guard lock(mutex_);
  if (closed_) return make_error(ErrorCode::unavailable, "the server is shutting down");
  if (jobs_.size() >= options_.queue_max) {
    return make_error(ErrorCode::unavailable, "too many account requests wait; try again later");
  }
  jobs_.push_back(std::move(job));
  ready_.notify_one();
  return {};
}

void JobPool::stop() {
  std::lock_guard stopping(stop_mutex_);
  {
    std::lock_guard lock(mutex_);
    closed_ = true;
    ready_.notify_all();
  }
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
}

size_t JobPool::waiting() const {
  std::lock_guard lock(mutex_);
  return jobs_.size();
}

void JobPool::run() {
  for (;;) {
    std::unique_lock lock(mutex_);
    ready_.wait(lock, [this] { return !jobs_.empty() || closed_; });
    if (jobs_.empty()) return;
    const std::function<void()> job = std::move(jobs_.front());
    jobs_.pop_front();
    lock.unlock();
    job();
  }
}

}  // namespace chat
