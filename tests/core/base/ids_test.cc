#include "core/base/ids.h"

#include <gtest/gtest.h>

namespace chat {
namespace {

TEST(ChatId, OfADirectChatIsTheSameForBothUsers) {
  const ChatId id = ChatId::direct(UserId{7}, UserId{3});
  EXPECT_EQ(id, ChatId::direct(UserId{3}, UserId{7}));
  EXPECT_TRUE(id.is_direct());
  EXPECT_EQ(id.direct_users()[0], UserId{3});
  EXPECT_EQ(id.direct_users()[1], UserId{7});
}

TEST(ChatId, OfAGroupSortsByCreationTimeAndIsNeverDirect) {
  Random random(1);
  const ChatId older = ChatId::random(WallTime{1'700'000'000'000}, random);
  const ChatId newer = ChatId::random(WallTime{1'700'000'000'001}, random);
  EXPECT_LT(older, newer);
  EXPECT_FALSE(older.is_direct());
}

TEST(ChatId, ByNameIsStable) {
  EXPECT_EQ(ChatId::named("lobby"), ChatId::named("lobby"));
  EXPECT_NE(ChatId::named("lobby"), ChatId::named("lobby2"));
}

TEST(ChatId, RoundTripsThroughBytesAndHex) {
  const ChatId id = ChatId::named("x");
  EXPECT_EQ(ChatId::from_bytes(id.bytes()), id);
  EXPECT_EQ(ChatId::from_hex(id.hex()), id);
}

TEST(ChatId, RefusesBytesThatAreNoChat) {
  EXPECT_FALSE(ChatId::from_bytes("short"));
  EXPECT_FALSE(ChatId::from_bytes(std::string(16, '\0')));
  EXPECT_FALSE(ChatId::from_bytes(ChatId::direct(UserId{5}, UserId{5}).bytes()));
  EXPECT_FALSE(ChatId::from_hex("zz"));
}

TEST(Hex, RoundTripsAndRefusesOddOrForeignDigits) {
  const std::string bytes("\x00\xff\x10", 3);
  EXPECT_EQ(to_hex(bytes), "00ff10");
  EXPECT_EQ(bytes_from_hex("00FF10"), bytes);
  EXPECT_FALSE(bytes_from_hex("0"));
  EXPECT_FALSE(bytes_from_hex("0g"));
}

}  // namespace
}  // namespace chat
