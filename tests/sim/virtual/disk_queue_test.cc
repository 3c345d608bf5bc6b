#include "sim/virtual/disk_queue.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

namespace chat::sim {
namespace {

using ::testing::ElementsAre;

class DiskQueueTest : public ::testing::Test {
 protected:
  static DiskModel model() {
    return {.read = milliseconds(2),
            .readers = 2,
            .sync = milliseconds(10),
            .write = milliseconds(1),
            .write_kib = milliseconds(3),
            .group_max = 3};
  }
  OccurrenceQueue::Action note() {
    return [this] { done_ms_.push_back((queue_.now() - Instant{}).ms()); };
  }
  void run() {
    while (queue_.run_next(Instant{} + seconds(100))) {
    }
  }

  OccurrenceQueue queue_;
  Slowdown slow_;
  DiskQueue disk_{queue_, model(), slow_, Random(1)};
  std::vector<int64_t> done_ms_;
};

TEST_F(DiskQueueTest, ReadsWaitForOneOfTheReaders) {
  for (int i = 0; i < 5; ++i) disk_.read(note());
  run();
  EXPECT_THAT(done_ms_, ElementsAre(2, 2, 4, 4, 6));
}

TEST_F(DiskQueueTest, WritesThatWaitShareOneSync) {
  for (int i = 0; i < 5; ++i) disk_.write(0, note());
  run();
  EXPECT_THAT(done_ms_, ElementsAre(11, 24, 24, 24, 35));
  EXPECT_EQ(disk_.syncs(), 3u);
}

TEST_F(DiskQueueTest, LongWritesTakeLonger) {
  disk_.write(2'048, note());
  run();
  EXPECT_THAT(done_ms_, ElementsAre(17));
}

TEST_F(DiskQueueTest, AWriteThatAnAnswerBringsAboutWaitsForTheNextGroup) {
  disk_.write(0, [&] { disk_.write(0, note()); });
  run();
  EXPECT_THAT(done_ms_, ElementsAre(22));
}

TEST_F(DiskQueueTest, ReadsAndWritesDoNotWaitForEachOther) {
  disk_.write(0, note());
  disk_.read(note());
  run();
  EXPECT_THAT(done_ms_, ElementsAre(2, 11));
}

TEST_F(DiskQueueTest, IsSlowForAWhile) {
  slow_.begin(5, Instant{} + milliseconds(20));
  disk_.read(note());
  disk_.write(0, note());
  disk_.write(0, note());
  run();
  EXPECT_THAT(done_ms_, ElementsAre(10, 55, 66));
}

}  // namespace
}  // namespace chat::sim
