// What every DelayLog promises, whatever it is made of.
#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "core/store/delay_log.h"
#include "server/delay_log/file_delay_log.h"
#include "sim/memory_store/memory_delay_log.h"
#include "tests/support/temp_dir.h"

namespace chat {
namespace {

DelayEntry entry(uint64_t number, std::string request = "request", uint64_t life = 1) {
  return {{{EngineId{1}, Incarnation{life}}, number},
          ChatId::direct(UserId{1}, UserId{number + 2}),
          std::move(request)};
}

class AnyDelayLog : public ::testing::TestWithParam<bool> {
 protected:
  AnyDelayLog() { open(); }

  void open() {
    if (!GetParam()) {
      if (!log_) log_ = std::make_unique<MemoryDelayLog>();
      return;
    }
    log_.reset();
    auto opened = FileDelayLog::open({.dir = dir_.path(), .dead_bytes_max = 300});
    ASSERT_TRUE(opened.has_value()) << opened.error().text;
    log_ = std::move(*opened);
  }
  void write(std::vector<DelayCommand> commands) {
    const auto results = log_->write(commands);
    ASSERT_EQ(results.size(), commands.size());
    for (const Status& status : results) EXPECT_TRUE(status.has_value());
  }
  std::vector<DelayEntry> loaded() { return log_->load().value(); }

  TempDir dir_;
  std::unique_ptr<DelayLog> log_;
};
INSTANTIATE_TEST_SUITE_P(MemoryAndFile, AnyDelayLog, ::testing::Bool());

TEST_P(AnyDelayLog, KeepsEntriesInTheOrderOfEntering) {
  write({DelayAppend{{entry(2), entry(1)}}, DelayAppend{{entry(3, "three")}}});
  open();
  EXPECT_EQ(loaded(), (std::vector{entry(2), entry(1), entry(3, "three")}));
}

TEST_P(AnyDelayLog, ForgetsWhatIsRemoved) {
  write({DelayAppend{{entry(1), entry(2), entry(3)}}});
  write({DelayRemove{{entry(1).key, entry(3).key, entry(9).key}}});
  open();
  EXPECT_EQ(loaded(), std::vector{entry(2)});
}

TEST_P(AnyDelayLog, TellsTheLivesOfAnEngineApart) {
  write({DelayAppend{{entry(1, "old", 1)}}});
  write({DelayAppend{{entry(1, "new", 2)}}, DelayRemove{{entry(1, "", 1).key}}});
  open();
  EXPECT_EQ(loaded(), std::vector{entry(1, "new", 2)});
}

TEST_P(AnyDelayLog, EntersAKeyOnce) {
  write({DelayAppend{{entry(1, "first")}}, DelayAppend{{entry(1, "second")}}});
  EXPECT_EQ(loaded(), std::vector{entry(1, "first")});
}

TEST_P(AnyDelayLog, KeepsWhatIsLeftThroughManyEntriesAndRemovals) {
  for (uint64_t i = 1; i <= 200; ++i) {
    write({DelayAppend{{entry(i, std::string(i, 'x'))}}});
    if (i > 3) write({DelayRemove{{entry(i - 3).key}}});
  }
  open();
  EXPECT_EQ(loaded(),
            (std::vector{entry(198, std::string(198, 'x')), entry(199, std::string(199, 'x')),
                         entry(200, std::string(200, 'x'))}));
}

TEST(SharedDelays, EveryEntryGoesToTheHomeOfItsChat) {
  const std::vector<EngineRef> engines{{EngineId{1}, Incarnation{1}},
                                       {EngineId{2}, Incarnation{1}}};
  std::vector<DelayEntry> entries;
  for (uint64_t i = 1; i <= 50; ++i) entries.push_back(entry(i));
  const auto shares = share_delayed(entries, engines);
  ASSERT_EQ(shares.size(), 2u);
  EXPECT_EQ(shares[0].size() + shares[1].size(), 50u);
  EXPECT_FALSE(shares[0].empty());
  EXPECT_FALSE(shares[1].empty());
}

}  // namespace
}  // namespace chat
