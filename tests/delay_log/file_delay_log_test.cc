// What is particular to the delay log in a file: cut-off writes, damage, compaction.
#include "server/delay_log/file_delay_log.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "server/delay_log/delay_log_format.h"
#include "tests/support/temp_dir.h"

namespace chat {
namespace {

DelayEntry entry(uint64_t number) {
  return {{{EngineId{1}, Incarnation{7}}, number},
          ChatId::direct(UserId{1}, UserId{2}),
          "request " + std::to_string(number)};
}

class FileDelayLogTest : public ::testing::Test {
 protected:
  std::string path() const { return dir_.path() + "/delayed.log"; }
  Result<std::unique_ptr<FileDelayLog>> open(uint64_t dead_bytes_max = 1 << 20) {
    return FileDelayLog::open({.dir = dir_.path(), .dead_bytes_max = dead_bytes_max});
  }
  /// Enters 1 … count, each by a write of its own.
  void fill(uint64_t count) {
    auto log = open();
    ASSERT_TRUE(log.has_value());
    for (uint64_t i = 1; i <= count; ++i) {
      const DelayCommand command = DelayAppend{{entry(i)}};
      ASSERT_TRUE((*log)->write(std::span(&command, 1)).front().has_value());
    }
  }
  std::string bytes() const {
    std::ifstream in(path(), std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  void put(const std::string& bytes) const {
    std::ofstream(path(), std::ios::binary | std::ios::trunc) << bytes;
  }

  TempDir dir_;
};

TEST_F(FileDelayLogTest, DropsAWriteThatWasCutOffWhereverThatWas) {
  fill(3);
  const std::string whole = bytes();
  const size_t frame =
      encode_delay_frame(0, std::vector<DelayCommand>{DelayAppend{{entry(3)}}}).size();
  for (size_t cut = 1; cut < frame; ++cut) {
    put(whole.substr(0, whole.size() - cut));
    const auto log = open();
    ASSERT_TRUE(log.has_value()) << log.error().text;
    EXPECT_EQ((*log)->load().value(), (std::vector{entry(1), entry(2)}));
    EXPECT_EQ(bytes().size(), whole.size() - frame);
  }
}

TEST_F(FileDelayLogTest, GoesOnAfterACutOffWrite) {
  fill(2);
  put(bytes() + "torn");
  fill(3);
  EXPECT_EQ((*open())->load().value(), (std::vector{entry(1), entry(2), entry(3)}));
}

TEST_F(FileDelayLogTest, RefusesAFileThatIsDamagedBeforeItsEnd) {
  fill(3);
  const std::string whole = bytes();
  for (size_t at = kDelayHeaderBytes; at < whole.size() / 2; ++at) {
    std::string damaged = whole;
    damaged[at] = static_cast<char>(damaged[at] ^ 0x40);
    put(damaged);
    const auto log = open();
    ASSERT_FALSE(log.has_value()) << "byte " << at;
    EXPECT_EQ(log.error().code, ErrorCode::corrupt);
    EXPECT_NE(log.error().text.find(path()), std::string::npos);
    EXPECT_NE(log.error().text.find("move it away"), std::string::npos);
    EXPECT_EQ(bytes(), damaged);
  }
}

TEST_F(FileDelayLogTest, RefusesAForeignFile) {
  put("something else altogether");
  EXPECT_EQ(open().error().code, ErrorCode::corrupt);
}

TEST_F(FileDelayLogTest, BecomesSmallAgainWhenEverythingIsDrained) {
  auto log = open(2'000);
  ASSERT_TRUE(log.has_value());
  std::vector<DelayKey> keys;
  for (uint64_t i = 1; i <= 100; ++i) {
    const DelayCommand command = DelayAppend{{entry(i)}};
    ASSERT_TRUE((*log)->write(std::span(&command, 1)).front().has_value());
    keys.push_back(entry(i).key);
  }
  const DelayCommand remove = DelayRemove{keys};
  ASSERT_TRUE((*log)->write(std::span(&remove, 1)).front().has_value());
  EXPECT_EQ((*log)->entries(), 0u);
  EXPECT_EQ((*log)->file_bytes(), kDelayHeaderBytes);
  EXPECT_EQ(std::filesystem::file_size(path()), kDelayHeaderBytes);
}

}  // namespace
}  // namespace chat
