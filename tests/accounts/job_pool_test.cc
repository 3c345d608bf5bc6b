#include "server/accounts/job_pool.h"

#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <latch>

namespace chat {
namespace {

TEST(JobPool, RunsEveryJobOfManyThreadsOnce) {
  std::atomic<int> runs{0};
  JobPool pool({});
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 200; ++i) {
        if (!pool.submit([&] { ++runs; })) ADD_FAILURE() << "refused";
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  pool.stop();
  EXPECT_EQ(runs, 800);
}

TEST(JobPool, RunsAsManyJobsAtOnceAsItHasThreads) {
  JobPool pool({.threads = 2, .queue_max = 10});
  std::latch both(2);  // Each job waits for the other: one thread alone would never finish.
  for (int i = 0; i < 2; ++i) {
    ASSERT_TRUE(pool.submit([&] { both.arrive_and_wait(); }));
  }
  pool.stop();
}

TEST(JobPool, AFullQueueRefusesAndStopRunsWhatWasQueued) {
  JobPool pool({.threads = 1, .queue_max = 2});
  std::promise<void> started;
  std::promise<void> gate;
  int runs = 0;
  ASSERT_TRUE(pool.submit([&] {
    started.set_value();
    gate.get_future().wait();
  }));
  started.get_future().wait();
  ASSERT_TRUE(pool.submit([&] { ++runs; }));
  ASSERT_TRUE(pool.submit([&] { ++runs; }));
  const Status refused = pool.submit([&] { ++runs; });
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::unavailable);
  EXPECT_EQ(pool.waiting(), 2u);
  gate.set_value();
  pool.stop();
  EXPECT_EQ(runs, 2);
  EXPECT_FALSE(pool.submit([] {})) << "a stopped pool refuses";
}

}  // namespace
}  // namespace chat
