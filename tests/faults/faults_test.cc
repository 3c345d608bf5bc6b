#include "server/faults/faults.h"

#include <gtest/gtest.h>

#include <future>
#include <span>
#include <utility>
#include <vector>

#include "server/faults/faulty_chat_store.h"
#include "server/faults/faulty_delay_log.h"
#include "sim/memory_store/memory_chat_store.h"
#include "sim/memory_store/memory_delay_log.h"

namespace chat {
namespace {

const ChatId kChat = ChatId::named("a");

StoreCommand append_of(uint64_t expected_last_seq) {
  AppendEvents append;
  append.chat = kChat;
  append.expected_last_seq = expected_last_seq;
  append.row.last_seq = expected_last_seq + 1;
  append.events = {{expected_last_seq + 1, "event"}};
  return append;
}

WriteOutcome outcome_of(const StoreResult& result) {
  return std::get<AppendResult>(result).outcome;
}

class FaultyPorts : public ::testing::Test {
 protected:
  MemoryChatStore memory_{7};
  MemoryDelayLog log_;
  Faults faults_;
  FaultyChatStore store_{memory_, faults_};
  FaultyDelayLog delay_log_{log_, faults_};
};

TEST_F(FaultyPorts, DoWhatTheRealOnesDoWithoutAPlan) {
  const StoreCommand append = append_of(0);
  EXPECT_EQ(outcome_of(store_.write(std::span(&append, 1)).front()), WriteOutcome::stored);
  EXPECT_TRUE(std::get<ChatLoaded>(store_.read(LoadChat{kChat})).row.has_value());
  EXPECT_EQ(store_.epoch(), 7u);
}

TEST_F(FaultyPorts, FailAndDoNothing) {
  faults_.set({.store_fail_one_in = 1, .delay_log_fail_one_in = 1});
  const StoreCommand append = append_of(0);
  EXPECT_TRUE(std::holds_alternative<Error>(store_.write(std::span(&append, 1)).front()));
  EXPECT_TRUE(std::holds_alternative<Error>(store_.read(LoadChat{kChat})));
  EXPECT_FALSE(std::get<ChatLoaded>(memory_.read(LoadChat{kChat})).row.has_value());
  const DelayCommand entry = DelayAppend{{{{}, kChat, "request"}}};
  EXPECT_FALSE(delay_log_.write(std::span(&entry, 1)).front().has_value());
  EXPECT_TRUE(delay_log_.load().value().empty());
}

TEST_F(FaultyPorts, AnswerUnknownAndDoHalf) {
  faults_.set({.store_unknown_one_in = 1});
  int done = 0;
  for (int i = 0; i < 100; ++i) {
    const StoreCommand append = append_of(static_cast<uint64_t>(done));
    EXPECT_EQ(outcome_of(store_.write(std::span(&append, 1)).front()), WriteOutcome::unknown);
    const auto loaded = std::get<ChatLoaded>(memory_.read(LoadChat{kChat}));
    done = loaded.row ? static_cast<int>(loaded.row->last_seq) : 0;
  }
  EXPECT_GT(done, 20);
  EXPECT_LT(done, 80);
}

TEST_F(FaultyPorts, HangUntilThePlanChangesOrTheProcessEnds) {
  faults_.set({.store_hang_reads = true});
  auto read = std::async(std::launch::async, [&] { return store_.read(LoadChat{kChat}); });
  const StoreCommand append = append_of(0);
  EXPECT_EQ(outcome_of(store_.write(std::span(&append, 1)).front()), WriteOutcome::stored);
  faults_.set({.store_hang_writes = true});
  EXPECT_TRUE(std::holds_alternative<ChatLoaded>(read.get()));
  const StoreCommand next = append_of(1);
  auto written = std::async(std::launch::async, [&] { return store_.write(std::span(&next, 1)); });
  faults_.end();
  EXPECT_EQ(outcome_of(written.get().front()), WriteOutcome::stored);
  faults_.set({.store_hang_reads = true});
  EXPECT_EQ(faults_.plan(), FaultPlan{});
}

TEST(FaultFields, AreSetByNameFromText) {
  FaultPlan plan;
  EXPECT_TRUE(set_fault(plan, "store_slow_ms", "250").has_value());
  EXPECT_TRUE(set_fault(plan, "store_hang_writes", "true").has_value());
  EXPECT_EQ(plan, (FaultPlan{.store_slow_ms = 250, .store_hang_writes = true}));
  const std::vector<std::pair<const char*, const char*>> wrong{{"store_slow", "1"},
                                                               {"store_slow_ms", "-1"},
                                                               {"store_slow_ms", ""},
                                                               {"delay_log_hang", "yes"}};
  for (const auto& [name, text] : wrong) {
    EXPECT_EQ(set_fault(plan, name, text).error().code, ErrorCode::invalid_argument) << name;
  }
}

}  // namespace
}  // namespace chat
