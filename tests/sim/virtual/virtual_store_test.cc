#include "sim/virtual/virtual_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sim/memory_store/memory_chat_store.h"

namespace chat::sim {
namespace {

using ::testing::ElementsAre;

const ChatId kChat = ChatId::named("chat");

TEST(OccurrenceQueue, RunsInTheOrderOfTimeAndThenOfPlanning) {
  OccurrenceQueue queue;
  std::vector<int> seen;
  queue.after(milliseconds(2), [&] { seen.push_back(3); });
  queue.after(milliseconds(1), [&] { seen.push_back(1); });
  queue.after(milliseconds(1), [&] {
    seen.push_back(2);
    queue.at(Instant{}, [&] { seen.push_back(4); });
  });
  while (queue.run_next(Instant{} + milliseconds(1))) {
  }
  EXPECT_THAT(seen, ElementsAre(1, 2, 4));
  EXPECT_FALSE(queue.run_next(Instant{} + milliseconds(1)));
  EXPECT_TRUE(queue.run_next(Instant{} + milliseconds(9)));
  EXPECT_EQ(queue.now(), Instant{} + milliseconds(2));
}

class VirtualStoreTest : public ::testing::Test {
 protected:
  // Appends events expected + 1 … expected + count as command `token`.
  void append(EngineRef engine, uint64_t token, uint64_t expected, uint64_t count = 1) {
    AppendEvents command;
    command.chat = kChat;
    command.expected_last_seq = expected;
    command.row.kind = ChatKind::group;
    command.row.last_seq = expected + count;
    for (uint64_t i = 1; i <= count; ++i) command.events.push_back({expected + i, "event"});
    store_.execute(engine, Store{StoreToken{token}, std::move(command)}, [this](StoreDone done) {
      answered_.push_back(done.token.value);
      if (const auto* result = std::get_if<AppendResult>(&done.result)) {
        outcomes_.push_back(result->outcome);
      }
    });
  }

  uint64_t head() {
    const auto loaded = std::get<ChatLoaded>(rows_.read(LoadChat{kChat}));
    return loaded.row ? loaded.row->last_seq : 0;
  }

  void run() {
    const Instant limit = queue_.now() + seconds(1);
    while (queue_.run_next(limit)) {
    }
  }

  OccurrenceQueue queue_;
  MemoryChatStore rows_{1};
  VirtualStore store_{queue_, rows_, Random(3)};
  EngineRef one_{EngineId{1}, Incarnation{1}};
  EngineRef other_{EngineId{2}, Incarnation{2}};
  std::vector<uint64_t> answered_;
  std::vector<WriteOutcome> outcomes_;
};

TEST_F(VirtualStoreTest, KeepsTheOrderOfOneEnginesWritesToOneChat) {
  for (uint64_t i = 0; i < 50; ++i) append(one_, i + 1, i);
  run();
  EXPECT_EQ(head(), 50u);
  EXPECT_THAT(outcomes_, ::testing::Each(WriteOutcome::stored));
  EXPECT_EQ(answered_.size(), 50u);
}

TEST_F(VirtualStoreTest, ShufflesAnswers) {
  for (uint64_t i = 0; i < 50; ++i) append(one_, i + 1, i);
  run();
  EXPECT_FALSE(std::is_sorted(answered_.begin(), answered_.end()));
}

TEST_F(VirtualStoreTest, ACrashKeepsAPrefixOfTheUnansweredWritesAndAnswersNothing) {
  bool some = false, not_all = false;
  uint64_t before = 0;
  for (uint64_t round = 0; round < 40; ++round) {
    for (uint64_t i = 0; i < 3; ++i) append(one_, i + 1, before + i);
    store_.crash(one_);
    run();
    ASSERT_GE(head(), before);
    ASSERT_LE(head(), before + 3);
    some = some || head() > before;
    not_all = not_all || head() < before + 3;
    before = head();
  }
  EXPECT_TRUE(some && not_all);
  EXPECT_TRUE(answered_.empty());
}

TEST_F(VirtualStoreTest, ACrashLeavesTheCommandsOfOtherEnginesAlone) {
  append(other_, 7, 0);
  store_.crash(one_);
  run();
  EXPECT_THAT(answered_, ElementsAre(7));
}

TEST_F(VirtualStoreTest, AnUnknownOutcomeIsExecutedOrNot) {
  store_.set_faults({.unknown_one_in = 1});
  uint64_t stored = 0;
  for (uint64_t i = 0; i < 60; ++i) {
    const uint64_t before = head();
    append(one_, i + 1, before);
    run();
    stored += head() - before;
  }
  EXPECT_THAT(outcomes_, ::testing::Each(WriteOutcome::unknown));
  EXPECT_GT(stored, 10u);
  EXPECT_LT(stored, 50u);
}

TEST_F(VirtualStoreTest, ASpuriousConflictNamesTheTrueHeadAndWritesNothing) {
  append(one_, 1, 0, 3);
  run();
  store_.set_faults({.conflict_one_in = 1});
  append(one_, 2, 3);
  run();
  EXPECT_EQ(outcomes_.back(), WriteOutcome::conflict);
  EXPECT_EQ(head(), 3u);
}

}  // namespace
}  // namespace chat::sim
