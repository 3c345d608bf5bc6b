#include "server/delay_log/delay_service.h"

#include <pthread.h>

#include <iterator>
#include <utility>

#include "core/base/assert.h"

namespace chat {

DelayService::DelayService(DelayLog& log, size_t queue_commands_max)
    : log_(log), queue_commands_max_(queue_commands_max), thread_([this] { run(); }) {
  pthread_setname_np(thread_.native_handle(), "delay-log");
}

DelayService::~DelayService() { stop(); }

void DelayService::submit(DelayToken token, DelayCommand command, DelaySink& sink) {
  {
    const std::lock_guard lock(mutex_);
    if (!closed_ && jobs_.size() < queue_commands_max_) {
      jobs_.push_back({token, &sink, std::move(command)});
      ready_.notify_one();
      return;
    }
  }
  failed_.fetch_add(1, std::memory_order_relaxed);
  sink.delay_done(token,
                  make_error(ErrorCode::unavailable, "the delay log's queue is full or closed"));
}

void DelayService::stop() {
  const std::lock_guard stopping(stop_mutex_);
  {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    ready_.notify_all();
  }
  if (thread_.joinable()) thread_.join();
}

DelayCounters DelayService::counters() const {
  return {writes_.load(std::memory_order_relaxed), commands_.load(std::memory_order_relaxed),
          failed_.load(std::memory_order_relaxed)};
}

void DelayService::run() {
  for (;;) {
    std::deque<Job> jobs;
    {
      std::unique_lock lock(mutex_);
      ready_.wait(lock, [this] { return !jobs_.empty() || closed_; });
      if (jobs_.empty()) return;
      jobs.swap(jobs_);
    }
    std::vector<DelayCommand> commands;
    commands.reserve(jobs.size());
    for (Job& job : jobs) commands.push_back(std::move(job.command));
    std::vector<Status> results = log_.write(commands);
    CHAT_ASSERT(results.size() == jobs.size());
    writes_.fetch_add(1, std::memory_order_relaxed);
    commands_.fetch_add(results.size(), std::memory_order_relaxed);
    for (size_t i = 0; i < results.size(); ++i) {
      if (!results[i]) failed_.fetch_add(1, std::memory_order_relaxed);
      jobs[i].sink->delay_done(jobs[i].token, std::move(results[i]));
    }
  }
}

}  // namespace chat
