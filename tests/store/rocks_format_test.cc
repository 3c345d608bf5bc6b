// The bytes of stored keys and rows are frozen: these tests hold them as hexadecimal text.
#include <gtest/gtest.h>

#include "server/rocksdb/keys.h"
#include "server/rocksdb/rows.h"
#include "tests/store/store_fixture.h"

namespace chat::rocks {
namespace {

using store_test::op_key;

const ChatId kChat = ChatId::direct(UserId{2}, UserId{0x0102030405060708});

std::string hex(const Key& key) { return to_hex(key.view()); }

TEST(RocksKeys, AreFrozen) {
  const std::string chat = "00000000000000020102030405060708";
  EXPECT_EQ(hex(key_of(kChat)), chat);
  EXPECT_EQ(hex(key_of(kChat, uint64_t{258})), chat + "0000000000000102");
  EXPECT_EQ(hex(key_of(kChat, UserId{3})), chat + "0000000000000003");
  EXPECT_EQ(hex(key_of(kChat, UserId{3}, op_key(0xab))),
            chat + "0000000000000003" + "abababababababababababababababab");
  EXPECT_EQ(hex(key_of(UserId{3}, uint64_t{4})), "00000000000000030000000000000004");
  EXPECT_EQ(hex(key_of(uint64_t{258}, kChat)), "0000000000000102" + chat);
  EXPECT_EQ(hex(key_of(UserId{3}, std::string("tv"))), "00000000000000037476");
  EXPECT_EQ(hex(key_of(UserId{3}, kChat, uint64_t{4})),
            "0000000000000003" + chat + "0000000000000004");
}

TEST(RocksKeys, AreTakenApartAgain) {
  const Key key = key_of(UserId{3}, kChat, uint64_t{0xfedcba9876543210});
  EXPECT_EQ(number_at(key.view(), 0), 3u);
  EXPECT_EQ(chat_at(key.view(), kUserBytes), kChat);
  EXPECT_EQ(number_at(key.view(), 24), 0xfedcba9876543210u);
  EXPECT_FALSE(chat_at(key.view(), 17)) << "too short";
  EXPECT_FALSE(chat_at(std::string(16, '\0'), 0)) << "no chat id";
}

TEST(RocksRows, AreFrozen) {
  EXPECT_EQ(
      to_hex(encode(ChatRow{ChatKind::room, "hi", 300, 2, 1, 5, 4, 3, 6, 130, true, 7, 8, 9, 10})),
      "0103ac0202010504030602686982010107"
      "08090a");
  EXPECT_EQ(to_hex(encode(MemberRow{UserId{9}, Role::owner, 1, kStillMember, 2, 130})),
            "0103010002820100");
  EXPECT_EQ(to_hex(encode(MemberRow{UserId{9}, Role::member, 1, 7, 2, 1, true})), "01010108020101");
  EXPECT_EQ(to_hex(encode(KeyRow{UserId{9}, op_key(1), 1, 2, 1ull << 63, 4})),
            "010102"
            "80808080808080808001"
            "04");
  EXPECT_EQ(to_hex(encode(InboxRow{InboxRow::Kind::read_marker, 8, kChat, 5, 1})),
            "0101"
            "00000000000000020102030405060708"
            "0501");
  EXPECT_EQ(to_hex(encode(UserChatRow{kChat, 128, 1})), "01800101");
  EXPECT_EQ(to_hex(encode(UserRow{1, 2, 3, 4})), "0101020304");
  EXPECT_EQ(to_hex(encode(DeviceRow{"phone", 5, 6, "app"})), "01050603617070");
}

template <class Row>
void expect_no_prefix_decodes(const Row& row) {
  const std::string bytes = encode(row);
  Row decoded;
  EXPECT_TRUE(decode(bytes, decoded));
  for (size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_FALSE(decode(std::string_view(bytes).substr(0, size), decoded)) << size;
  }
  std::string other_format = bytes;
  other_format[0] = 2;
  EXPECT_FALSE(decode(other_format, decoded));
}

TEST(RocksRows, RefuseTornBytesAndOtherFormats) {
  expect_no_prefix_decodes(
      ChatRow{ChatKind::group, "title", 300, 2, 1, 5, 4, 3, 6, 7, true, 8, 9, 10, 11});
  expect_no_prefix_decodes(MemberRow{UserId{9}, Role::owner, 1, 3, 2, 130});
  expect_no_prefix_decodes(KeyRow{UserId{9}, op_key(1), 1, 2, 1ull << 63, 4});
  expect_no_prefix_decodes(InboxRow{InboxRow::Kind::run, 8, kChat, 5, 2});
  expect_no_prefix_decodes(UserChatRow{kChat, 128, 1});
  expect_no_prefix_decodes(UserRow{1, 2, 3, 4});
  expect_no_prefix_decodes(DeviceRow{"phone", 5, 6, "app"});
}

TEST(RocksRows, RefuseValuesThatNoRowHas) {
  ChatRow chat;
  EXPECT_FALSE(decode(*bytes_from_hex("0104ac02020105040306026869000000000000"), chat)) << "kind 4";
  EXPECT_FALSE(
      decode(*bytes_from_hex("0103ac02020105040306ffffffffffffffffff0168000000000000"), chat))
      << "text";
  UserRow user;
  EXPECT_FALSE(decode(*bytes_from_hex("01ffffffffffffffffff020304"), user)) << "over 64 bits";
  InboxRow inbox;
  EXPECT_FALSE(decode(*bytes_from_hex("0100000000000000000201020304050607080500"), inbox));
}

}  // namespace
}  // namespace chat::rocks
