// How every ChatStore counts what a user has not read, and finds the chats whose receipts changed.
#include <tuple>

#include "core/wire/chat.pb.h"
#include "core/wire/peer.pb.h"
#include "tests/store/chat_store_conformance.h"

namespace chat::store_test {
namespace {

/// A message as a chat home stores it.
EventRow message_row(uint64_t seq, uint64_t author, std::vector<uint64_t> mentions = {},
                     int64_t server_ts_ms = 0) {
  v1::Event event;
  event.set_server_ts_ms(server_ts_ms);
  event.mutable_message()->set_text("text");
  for (uint64_t user : mentions) event.mutable_message()->add_mentions(user);
  peer::StoredEvent stored;
  stored.set_event(event.SerializeAsString());
  stored.set_seq(seq);
  stored.set_author(author);
  return {seq, stored.SerializeAsString()};
}

TEST_P(ChatStoreConformance, UnreadIsCountedFromTheLogAndTheMarker) {
  const ChatId chat = chat_id("a");
  v1::Event deleted;
  deleted.mutable_tombstone();
  peer::StoredEvent tombstone;
  tombstone.set_event(deleted.SerializeAsString());
  tombstone.set_author(8);
  AppendEvents log = append_of(chat, 0, 6);
  log.events = {message_row(1, 8),      message_row(2, 8, {7}),
                message_row(3, 7),      {4, tombstone.SerializeAsString()},
                message_row(5, 9, {8}), message_row(6, 9, {7, 8})};
  log.members = {{UserId{7}, Role::member, 1, kStillMember, 6, 1}};
  append(store(), log);
  InboxWrite write = inbox_of(7, 0, {});
  write.chats = {{chat, 6, 0}};
  append_inbox(store(), write);
  const auto counts = [&](uint32_t unread_max) {
    ListUserChats list{UserId{7}};
    list.unread_max = unread_max;
    const auto item = read<UserChatsListed>(store(), list).items.at(0);
    return std::pair(item.unread_count, item.unread_mentions);
  };
  EXPECT_EQ(counts(0), std::pair(0u, 0u)) << "not asked for";
  EXPECT_EQ(counts(100), std::pair(3u, 2u)) << "2, 5 and 6";
  EXPECT_EQ(counts(2), std::pair(2u, 1u)) << "no further";
  write.chats = {{chat, 6, 5}};
  append_inbox(store(), write);
  EXPECT_EQ(counts(100), std::pair(1u, 1u)) << "the marker of the user's own list counts too";
  AppendEvents left = append_of(chat, 6, 0);
  left.members = {{UserId{7}, Role::member, 1, 5, 6, 1}};
  append(store(), left);
  EXPECT_EQ(counts(100), std::pair(0u, 0u)) << "what came after the user had left";
}

TEST_P(ChatStoreConformance, WhatIsTooOldIsNotUnread) {
  const ChatId chat = chat_id("a");
  AppendEvents log = append_of(chat, 0, 2);
  log.row.retention_ms = 500;
  log.row.expires_ms = 3'000;
  log.events = {message_row(1, 8, {}, 1'000), message_row(2, 8, {}, 1'200)};
  log.members = {{UserId{7}, Role::member, 1, kStillMember, 0, 0}};
  append(store(), log);
  InboxWrite write = inbox_of(7, 0, {});
  write.chats = {{chat, 0, 0}};
  append_inbox(store(), write);
  const auto count_at = [&](int64_t now_ms) {
    ListUserChats list{.user = UserId{7}, .unread_max = 100, .now_ms = now_ms};
    return read<UserChatsListed>(store(), list).items.at(0).unread_count;
  };
  EXPECT_EQ(count_at(1'500), 2u) << "as old as the chat keeps them";
  EXPECT_EQ(count_at(1'501), 1u);
  EXPECT_EQ(count_at(1'701), 0u);
  log = append_of(chat, 2, 1);
  log.row.expires_ms = 3'000;
  log.events = {message_row(3, 8, {}, 1'000)};
  append(store(), log);
  EXPECT_EQ(count_at(2'999), 1u + 2u) << "for ever";
  EXPECT_EQ(count_at(3'000), 0u) << "the chat is over";
}

TEST_P(ChatStoreConformance, ChatsWhoseReceiptsChangedAreListedWithTheirMembers) {
  InboxWrite write = inbox_of(7, 0, {});
  for (const auto& [name, receipts_ms, members] :
       {std::tuple("a", 50, 2u), std::tuple("b", 40, 2u), std::tuple("c", 60, 3u),
        std::tuple("d", 70, 2u)}) {
    AppendEvents log = append_of(chat_id(name), 0, 1);
    log.row.receipts_ms = receipts_ms;
    log.row.member_count = members;
    log.members = {{UserId{7}, Role::member, 1, kStillMember, 1, 1},
                   {UserId{8}, Role::member, 1, kStillMember, 1, 0}};
    append(store(), log);
    write.chats.push_back({chat_id(name), 1, 0});
  }
  append_inbox(store(), write);
  ListUserChats list{UserId{7}};
  list.receipts = {.since_ms = 50, .members_max = 2};
  const auto all = read<UserChatsListed>(store(), list);
  ASSERT_EQ(all.items.size(), 2u) << "a and d";
  EXPECT_TRUE(all.complete);
  for (const auto& item : all.items) {
    EXPECT_GE(item.chat.receipts_ms, 50);
    ASSERT_EQ(item.members.size(), 2u);
    EXPECT_EQ(item.members[1].delivered_seq, 1u);
  }
  list.limit = 1;
  const auto first = read<UserChatsListed>(store(), list);
  EXPECT_FALSE(first.complete);
  list.after = first.items.at(0).view.chat;
  const auto second = read<UserChatsListed>(store(), list);
  EXPECT_TRUE(second.complete);
  EXPECT_EQ(second.items.at(0).view.chat, all.items[1].view.chat);
}

}  // namespace
}  // namespace chat::store_test
