#include "server/store/store_service.h"

#include <pthread.h>

#include <algorithm>
#include <utility>

#include "core/base/assert.h"
#include "core/store/store_rules.h"

namespace chat {

StoreService::StoreService(ChatStore& store, const StoreServiceOptions& options)
    : store_(store), options_(options) {
  CHAT_ASSERT(options.read_threads > 0);
  threads_.emplace_back([this] { run_writer(); });
  pthread_setname_np(threads_.back().native_handle(), "store-writer");
  for (int i = 0; i < options.read_threads; ++i) {
    threads_.emplace_back([this] { run_reader(); });
    pthread_setname_np(threads_.back().native_handle(), "store-reader");
  }
}

StoreService::~StoreService() { stop(); }

void StoreService::submit(StoreToken token, StoreCommand command, StoreSink* sink) {
  Job job{token, sink, std::move(command)};
  if (enqueue(job)) return;
  refused_.fetch_add(1, std::memory_order_relaxed);
  sink->store_done(token,
                   make_error(ErrorCode::unavailable, "the store's queue is full or closed"));
}

bool StoreService::enqueue(Job& job) {
  if (is_write(job.command)) {
    const uint64_t bytes = cost_of(job.command).bytes;
    std::lock_guard lock(write_mutex_);
    if (writes_closed_ || writes_.size() >= options_.queue_commands_max) return false;
    if (!writes_.empty() && write_bytes_ + bytes > options_.queue_bytes_max) return false;
    write_bytes_ += bytes;
    writes_.push_back(std::move(job));
    write_ready_.notify_one();
    return true;
  }
  std::lock_guard lock(read_mutex_);
  if (reads_closed_ || reads_.size() >= options_.queue_commands_max) return false;
  reads_.push_back(std::move(job));
  read_ready_.notify_one();
  return true;
}

void StoreService::stop() {
  std::lock_guard stopping(stop_mutex_);
  {
    std::lock_guard lock(write_mutex_);
    writes_closed_ = true;
    write_ready_.notify_all();
  }
  {
    std::lock_guard lock(read_mutex_);
    reads_closed_ = true;
    read_ready_.notify_all();
  }
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
}

StoreCounters StoreService::counters() const {
  StoreCounters counters;
  counters.batches = batches_.load(std::memory_order_relaxed);
  counters.commands = commands_.load(std::memory_order_relaxed);
  counters.rows = rows_.load(std::memory_order_relaxed);
  counters.bytes = bytes_.load(std::memory_order_relaxed);
  counters.reads = reads_done_.load(std::memory_order_relaxed);
  counters.refused = refused_.load(std::memory_order_relaxed);
  {
    std::lock_guard lock(write_mutex_);
    counters.writes_waiting = writes_.size();
  }
  std::lock_guard lock(read_mutex_);
  counters.reads_waiting = reads_.size();
  return counters;
}

// ---------------------------------------------------------------- writing

void StoreService::run_writer() {
  Batch batch;
  while (take_batch(batch)) {
    std::vector<StoreResult> results = store_.write(batch.commands);
    CHAT_ASSERT(results.size() == batch.commands.size());
    batches_.fetch_add(1, std::memory_order_relaxed);
    commands_.fetch_add(results.size(), std::memory_order_relaxed);
    for (size_t i = 0; i < results.size(); ++i) {
      batch.sinks[i]->store_done(batch.tokens[i], std::move(results[i]));
    }
  }
}

/// Waits for writes and takes as many as one commit may hold; false when there will be no more.
bool StoreService::take_batch(Batch& batch) {
  batch.tokens.clear();
  batch.sinks.clear();
  batch.commands.clear();
  WriteCost total;
  {
    std::unique_lock lock(write_mutex_);
    write_ready_.wait(lock, [this] { return !writes_.empty() || writes_closed_; });
    while (!writes_.empty() && batch.commands.size() < options_.batch_commands_max) {
      Job& job = writes_.front();
      const WriteCost cost = cost_of(job.command);
      if (!batch.commands.empty() && total.bytes + cost.bytes > options_.batch_bytes_max) break;
      total.rows += cost.rows;
      total.bytes += cost.bytes;
      batch.tokens.push_back(job.token);
      batch.sinks.push_back(job.sink);
      batch.commands.push_back(std::move(job.command));
      writes_.pop_front();
    }
    write_bytes_ -= total.bytes;
  }
  rows_.fetch_add(total.rows, std::memory_order_relaxed);
  bytes_.fetch_add(total.bytes, std::memory_order_relaxed);
  return !batch.commands.empty();
}

// ---------------------------------------------------------------- reading

void StoreService::run_reader() {
  Job job{{}, nullptr, ScanPending{}};
  while (take_read(job)) {
    StoreResult result = store_.read(job.command);
    reads_done_.fetch_add(1, std::memory_order_relaxed);
    job.sink->store_done(job.token, std::move(result));
  }
}

bool StoreService::take_read(Job& job) {
  std::unique_lock lock(read_mutex_);
  read_ready_.wait(lock, [this] { return !reads_.empty() || reads_closed_; });
  if (reads_.empty()) return false;
  job = std::move(reads_.front());
  reads_.pop_front();
  return true;
}

}  // namespace chat
