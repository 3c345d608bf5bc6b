#include "server/store/store_service.h"

#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <string>

#include "sim/memory_store/memory_chat_store.h"

namespace chat {
namespace {

const ChatId kChat = ChatId::named("a");

AppendEvents append_of(const ChatId& chat, uint64_t expected_last_seq, size_t bytes = 10) {
  AppendEvents append;
  append.chat = chat;
  append.expected_last_seq = expected_last_seq;
  append.row.last_seq = expected_last_seq + 1;
  append.events = {{expected_last_seq + 1, std::string(bytes, 'x')}};
  return append;
}

/// A store whose writes wait until the test lets them go, and that remembers the size of each
/// batch.
class GatedStore : public ChatStore {
 public:
  StoreResult read(const StoreCommand& command) override { return inner_.read(command); }
  std::vector<StoreResult> write(std::span<const StoreCommand> commands) override {
    {
      std::unique_lock lock(mutex_);
      batches_.push_back(commands.size());
      changed_.notify_all();
      changed_.wait(lock, [this] { return open_; });
    }
    return inner_.write(commands);
  }
  uint64_t epoch() const override { return inner_.epoch(); }

  void open() {
    std::lock_guard lock(mutex_);
    open_ = true;
    changed_.notify_all();
  }
  void wait_for_batches(size_t count) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return batches_.size() >= count; });
  }
  std::vector<size_t> batches() {
    std::lock_guard lock(mutex_);
    return batches_;
  }

 private:
  MemoryChatStore inner_{1};
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<size_t> batches_;
  bool open_ = false;
};

class Answers : public StoreSink {
 public:
  void store_done(StoreToken token, StoreResult result) override {
    if (on_done) on_done(token);
    std::lock_guard lock(mutex_);
    ++counts_[token];
    results_[token] = std::move(result);
    changed_.notify_all();
  }

  /// Waits for the answer.
  StoreResult of(uint64_t token) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return results_.contains(StoreToken{token}); });
    return results_[StoreToken{token}];
  }
  WriteOutcome outcome_of(uint64_t token) { return std::get<AppendResult>(of(token)).outcome; }
  bool refused(uint64_t token) {
    const StoreResult result = of(token);
    const auto* error = std::get_if<Error>(&result);
    return error && error->code == ErrorCode::unavailable;
  }
  std::map<StoreToken, int> counts() {
    std::lock_guard lock(mutex_);
    return counts_;
  }

  std::function<void(StoreToken)> on_done;  ///< Set before the first submit.

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<StoreToken, StoreResult> results_;
  std::map<StoreToken, int> counts_;
};

TEST(StoreService, PutsAllThatWaitsIntoOneWriteInOrder) {
  GatedStore store;
  Answers answers;
  StoreService service(store, {});
  service.submit(StoreToken{1}, append_of(kChat, 0), &answers);
  store.wait_for_batches(1);
  for (uint64_t n = 1; n <= 10; ++n) {
    service.submit(StoreToken{n + 1}, append_of(kChat, n), &answers);
  }
  EXPECT_EQ(service.counters().writes_waiting, 10u);
  store.open();
  for (uint64_t n = 1; n <= 11; ++n) EXPECT_EQ(answers.outcome_of(n), WriteOutcome::stored) << n;
  EXPECT_EQ(store.batches(), (std::vector<size_t>{1, 10}));
  service.stop();
  const StoreCounters counters = service.counters();
  EXPECT_EQ(counters.batches, 2u);
  EXPECT_EQ(counters.commands, 11u);
  EXPECT_EQ(counters.rows, 33u);
  EXPECT_EQ(counters.writes_waiting, 0u);
}

TEST(StoreService, LimitsABatchByCommandsAndByBytes) {
  GatedStore store;
  Answers answers;
  StoreServiceOptions options;
  options.batch_commands_max = 3;
  options.batch_bytes_max = 5000;
  StoreService service(store, options);
  service.submit(StoreToken{1}, append_of(kChat, 0), &answers);
  store.wait_for_batches(1);
  for (uint64_t n = 1; n <= 4; ++n) {
    service.submit(StoreToken{n + 1}, append_of(kChat, n), &answers);
  }
  service.submit(StoreToken{6}, append_of(kChat, 5, 4900), &answers);
  service.submit(StoreToken{7}, append_of(kChat, 6, 9000), &answers);
  service.submit(StoreToken{8}, append_of(kChat, 7), &answers);
  store.open();
  for (uint64_t n = 1; n <= 8; ++n) EXPECT_EQ(answers.outcome_of(n), WriteOutcome::stored) << n;
  EXPECT_EQ(store.batches(), (std::vector<size_t>{1, 3, 1, 1, 1, 1}));
}

TEST(StoreService, AFullQueueAnswersUnavailable) {
  GatedStore store;
  Answers answers;
  StoreServiceOptions options;
  options.queue_commands_max = 2;
  options.queue_bytes_max = 1000;
  StoreService service(store, options);
  service.submit(StoreToken{1}, append_of(kChat, 0), &answers);
  store.wait_for_batches(1);
  service.submit(StoreToken{2}, append_of(kChat, 1), &answers);
  service.submit(StoreToken{3}, append_of(kChat, 2, 2000), &answers);
  EXPECT_TRUE(answers.refused(3)) << "too many bytes wait";
  service.submit(StoreToken{4}, append_of(kChat, 2), &answers);
  service.submit(StoreToken{5}, append_of(kChat, 3), &answers);
  EXPECT_TRUE(answers.refused(5)) << "too many commands wait";
  EXPECT_EQ(service.counters().refused, 2u);
  store.open();
  EXPECT_EQ(answers.outcome_of(4), WriteOutcome::stored);
  EXPECT_EQ(answers.counts().size(), 5u);
}

TEST(StoreService, ReadsGoOnWhileAWriteWaits) {
  GatedStore store;
  Answers answers;
  StoreService service(store, {});
  service.submit(StoreToken{1}, append_of(kChat, 0), &answers);
  store.wait_for_batches(1);
  service.submit(StoreToken{2}, LoadChat{kChat}, &answers);
  EXPECT_FALSE(std::get<ChatLoaded>(answers.of(2)).row);
  EXPECT_EQ(service.counters().reads, 1u);
  store.open();
  EXPECT_EQ(answers.outcome_of(1), WriteOutcome::stored);
}

TEST(StoreService, AReadSeesEveryWriteThatWasAnsweredBefore) {
  MemoryChatStore store(1);
  Answers answers;
  StoreService service(store, {});
  constexpr uint64_t reads_from = 1000;
  answers.on_done = [&](StoreToken token) {
    if (token.value >= reads_from) return;
    service.submit(StoreToken{reads_from + token.value}, LoadChat{kChat}, &answers);
  };
  for (uint64_t n = 0; n < 100; ++n) {
    service.submit(StoreToken{n}, append_of(kChat, n), &answers);
  }
  for (uint64_t n = 0; n < 100; ++n) {
    EXPECT_GE(std::get<ChatLoaded>(answers.of(reads_from + n)).row.value().last_seq, n + 1);
  }
}

TEST(StoreService, StopAnswersWhatWasQueuedAndRefusesTheRest) {
  GatedStore store;
  Answers answers;
  StoreService service(store, {});
  for (uint64_t n = 0; n < 50; ++n) {
    service.submit(StoreToken{n}, append_of(kChat, n), &answers);
    service.submit(StoreToken{100 + n}, LoadChat{kChat}, &answers);
  }
  store.open();
  service.stop();
  EXPECT_EQ(answers.counts().size(), 100u);
  for (uint64_t n = 0; n < 50; ++n) EXPECT_EQ(answers.outcome_of(n), WriteOutcome::stored);
  service.submit(StoreToken{200}, append_of(kChat, 50), &answers);
  service.submit(StoreToken{201}, LoadChat{kChat}, &answers);
  EXPECT_TRUE(answers.refused(200));
  EXPECT_TRUE(answers.refused(201));
  service.stop();
}

TEST(StoreService, AnswersEveryCommandOfManyThreadsOnce) {
  constexpr uint64_t per_thread = 500;
  MemoryChatStore store(1);
  Answers answers;
  StoreService service(store, {});
  std::vector<std::thread> threads;
  for (uint64_t t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      const ChatId chat = ChatId::named(std::to_string(t));
      for (uint64_t n = 0; n < per_thread; ++n) {
        service.submit(StoreToken{t * 10'000 + n}, append_of(chat, n), &answers);
        service.submit(StoreToken{t * 10'000 + 5'000 + n}, ReadEvents{chat}, &answers);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  service.stop();
  const auto counts = answers.counts();
  EXPECT_EQ(counts.size(), 4 * 2 * per_thread);
  for (const auto& [token, count] : counts) EXPECT_EQ(count, 1);
  for (uint64_t t = 0; t < 4; ++t) {
    for (uint64_t n = 0; n < per_thread; ++n) {
      EXPECT_EQ(answers.outcome_of(t * 10'000 + n), WriteOutcome::stored);
    }
  }
}

}  // namespace
}  // namespace chat
