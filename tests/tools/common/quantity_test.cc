#include "tools/common/quantity.h"

#include <gtest/gtest.h>

#include <vector>

namespace chat {
namespace {

TEST(Quantity, DurationsReadAndPrintTheSame) {
  for (const char* text : {"0", "7ns", "20us", "250ms", "1500ms", "30s", "5m", "2h", "7d"}) {
    const auto duration = parse_duration(text);
    ASSERT_TRUE(duration.has_value()) << text;
    EXPECT_EQ(format_duration(*duration), text);
  }
  EXPECT_EQ(*parse_duration("1.5s"), milliseconds(1500));
}

TEST(Quantity, DurationsNeedAUnitAndFitTheType) {
  for (const char* text : {"", "30", "s", "5 s", "-5s", "5x", "1..5s", "300000d", "1e9s"}) {
    EXPECT_TRUE(parse_duration(text).has_error()) << text;
  }
}

TEST(Quantity, SizesKnowBinaryAndDecimalUnits) {
  EXPECT_EQ(*parse_bytes("64KiB"), 65536u);
  EXPECT_EQ(*parse_bytes("10MB"), 10'000'000u);
  EXPECT_EQ(*parse_bytes("512"), 512u);
  EXPECT_EQ(format_bytes(8 << 20), "8MiB");
  EXPECT_EQ(format_bytes(1000), "1000");
  for (const char* text : {"", "KiB", "-1", "64 KiB", "9999999TiB"}) {
    EXPECT_TRUE(parse_bytes(text).has_error()) << text;
  }
}

TEST(Quantity, IntegersMayHaveSeparators) {
  EXPECT_EQ(*parse_integer("1_000_000"), 1'000'000);
  EXPECT_EQ(*parse_integer("-5"), -5);
  for (const char* text : {"", "_", "_1", "1.5", "1e3", "99999999999999999999"}) {
    EXPECT_TRUE(parse_integer(text).has_error()) << text;
  }
}

TEST(Quantity, SuggestsANearNameOrListsThemAll) {
  const std::vector<std::string> known{"data_dir", "listen"};
  EXPECT_EQ(suggestion("data-dir", known), " (did you mean \"data_dir\"?)");
  EXPECT_EQ(suggestion("lisetn", known), " (did you mean \"listen\"?)");
  EXPECT_EQ(suggestion("colour", known), " (known: data_dir, listen)");
  EXPECT_EQ(suggestion("colour", {}), "");
}

}  // namespace
}  // namespace chat
