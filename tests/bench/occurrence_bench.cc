// Occurrences per second: many users whose next occurrence, a heartbeat with jitter, is scheduled
// anew each time. The queue of the virtual world and the bucket wheel of core against what is
// usual, a binary heap and a timing wheel of linked lists. All do exactly the same: `check` is a
// sum over every (user, tick) that took place. Per iteration one tick of 100 ms passes; a round of
// 300 is the heartbeat interval. CHAT_BENCH_OCCURRENCES=50000000 adds a size.
#include <benchmark/benchmark.h>

#include <cstdlib>
#include <functional>
#include <queue>
#include <vector>

#include "core/base/random.h"
#include "core/presence/deadline_wheel.h"
#include "sim/virtual/occurrence_queue.h"

namespace chat {
namespace {

constexpr uint32_t kInterval = 300;
constexpr uint32_t kJitter = 30;
constexpr uint32_t kLongest = kInterval + kJitter;
constexpr Duration kTick = milliseconds(100);

uint32_t first_tick(uint32_t user) { return 1 + static_cast<uint32_t>(mix64(user) % kInterval); }

/// What happens to a user at a tick, and when it happens next; it depends on nothing else, so that
/// the order within a tick does not matter.
class Heartbeats {
 public:
  uint32_t happen(uint32_t user, uint32_t tick) {
    const uint64_t hash = mix64(uint64_t{user} << 32 | tick);
    ++count_;
    sum_ += hash;
    return tick + kInterval + static_cast<uint32_t>(hash >> 32) % kJitter;
  }
  void report(benchmark::State& state) const {
    state.SetItemsProcessed(static_cast<int64_t>(count_));
    state.counters["check"] = static_cast<double>(sum_ % 1'000'000);
  }

 private:
  uint64_t count_ = 0, sum_ = 0;
};

// ---------------------------------------------------------------- the contestants

class VirtualWorldQueue {
 public:
  explicit VirtualWorldQueue(uint32_t users) {
    for (uint32_t user = 0; user < users; ++user) plan(user, first_tick(user));
  }
  void run(uint32_t tick) {
    tick_ = tick;
    while (queue_.run_next(Instant{} + kTick * tick)) {
    }
  }
  Heartbeats beats;

 private:
  void plan(uint32_t user, uint32_t tick) {
    queue_.at(Instant{} + kTick * tick, [this, user] { plan(user, beats.happen(user, tick_)); });
  }
  sim::OccurrenceQueue queue_;
  uint32_t tick_ = 0;
};

class BinaryHeap {
 public:
  explicit BinaryHeap(uint32_t users) {
    for (uint32_t user = 0; user < users; ++user) heap_.push({kTick * first_tick(user), user});
  }
  void run(uint32_t tick) {
    const Duration limit = kTick * tick;
    while (heap_.top().when <= limit) {
      const uint32_t user = heap_.top().user;
      heap_.pop();
      heap_.push({kTick * beats.happen(user, tick), user});
    }
  }
  Heartbeats beats;

 private:
  struct Entry {
    Duration when;
    uint32_t user;
    bool operator>(const Entry& other) const { return when > other.when; }
  };
  std::priority_queue<Entry, std::vector<Entry>, std::greater<>> heap_;
};

/// As kernels and event libraries have them: a ring of doubly linked lists, the links in what is
/// timed.
class LinkedListWheel {
 public:
  explicit LinkedListWheel(uint32_t users) : timers_(users), lists_(kLongest + 1) {
    for (Links& list : lists_) list.next = list.previous = &list;
    for (uint32_t user = 0; user < users; ++user) link(timers_[user], first_tick(user));
  }
  void run(uint32_t tick) {
    Links& list = lists_[tick % lists_.size()];
    while (list.next != &list) {
      auto& timer = static_cast<Timer&>(*list.next);
      timer.previous->next = timer.next;
      timer.next->previous = timer.previous;
      const auto user = static_cast<uint32_t>(&timer - timers_.data());
      link(timer, beats.happen(user, tick));
    }
  }
  Heartbeats beats;

 private:
  struct Links {
    Links* next = nullptr;
    Links* previous = nullptr;
  };
  struct Timer : Links {};

  void link(Timer& timer, uint32_t tick) {
    Links& list = lists_[tick % lists_.size()];
    timer.next = &list;
    timer.previous = list.previous;
    list.previous->next = &timer;
    list.previous = &timer;
  }
  std::vector<Timer> timers_;
  std::vector<Links> lists_;
};

class BucketWheel {
 public:
  explicit BucketWheel(uint32_t users) : wheel_(kLongest) {
    wheel_.reserve(users);
    for (uint32_t user = 0; user < users; ++user) wheel_.insert(user, first_tick(user));
  }
  void run(uint32_t tick) {
    due_.clear();
    wheel_.collect(tick, due_);
    for (const uint32_t user : due_) wheel_.insert(user, beats.happen(user, tick));
  }
  Heartbeats beats;

 private:
  DeadlineWheel wheel_;
  std::vector<uint32_t> due_;
};

template <class Queue>
void BM_Occurrences(benchmark::State& state) {
  Queue queue(static_cast<uint32_t>(state.range(0)));
  uint32_t tick = 0;
  for (auto _ : state) queue.run(++tick);
  queue.beats.report(state);
}

void sizes(benchmark::internal::Benchmark* bench) {
  bench->Arg(1'000'000)->Arg(10'000'000);
  if (const char* more = std::getenv("CHAT_BENCH_OCCURRENCES")) bench->Arg(std::atoll(more));
  bench->Iterations(kInterval)->Unit(benchmark::kMillisecond);
}

BENCHMARK(BM_Occurrences<VirtualWorldQueue>)->Apply(sizes);
BENCHMARK(BM_Occurrences<BinaryHeap>)->Apply(sizes);
BENCHMARK(BM_Occurrences<LinkedListWheel>)->Apply(sizes);
BENCHMARK(BM_Occurrences<BucketWheel>)->Apply(sizes);

}  // namespace
}  // namespace chat
