// How every ChatStore lists chats, views, hints and own messages.
#include <algorithm>

#include "tests/store/chat_store_conformance.h"

namespace chat::store_test {
namespace {

TEST_P(ChatStoreConformance, ListUserChatsPagesThroughViewsRowsAndMembers) {
  InboxWrite write = inbox_of(7, 0, {});
  for (int i = 0; i < 5; ++i) {
    AppendEvents command = append_of(chat_id(std::to_string(i)), 0, 2);
    command.row.title = std::to_string(i);
    if (i != 3) command.members = {{UserId{7}, Role::admin, 1}};
    ASSERT_EQ(append(store(), command).outcome, WriteOutcome::stored);
    write.chats.push_back({command.chat, 2, 1});
  }
  ASSERT_EQ(append_inbox(store(), write).outcome, WriteOutcome::stored);

  std::vector<UserChatsListed::Item> items;
  ListUserChats command{UserId{7}, std::nullopt, 2};
  for (int page = 0; page < 3; ++page) {
    const auto listed = read<UserChatsListed>(store(), command);
    EXPECT_EQ(listed.complete, page == 2);
    items.insert(items.end(), listed.items.begin(), listed.items.end());
    command.after = items.back().view.chat;
  }
  ASSERT_EQ(items.size(), 5u);
  for (size_t i = 0; i < 5; ++i) {
    if (i > 0) {
      EXPECT_LT(items[i - 1].view.chat, items[i].view.chat);
    }
    EXPECT_EQ(items[i].view.last_ref_seq, 2u);
    EXPECT_EQ(items[i].chat.last_seq, 2u);
    EXPECT_EQ(items[i].member.role, items[i].chat.title == "3" ? Role::none : Role::admin);
  }
}

TEST_P(ChatStoreConformance, ListChatsPagesByChatId) {
  for (int i = 0; i < 5; ++i) fill(chat_id(std::to_string(i)), 1);
  fill(ChatId::direct(UserId{1}, UserId{2}), 1);
  std::vector<ChatId> chats;
  ListChats command{std::nullopt, 4};
  auto listed = read<ChatsListed>(store(), command);
  EXPECT_EQ(listed.items.size(), 4u);
  EXPECT_FALSE(listed.complete);
  EXPECT_EQ(listed.items[0].first, ChatId::direct(UserId{1}, UserId{2}));
  for (const auto& [id, row] : listed.items) chats.push_back(id);
  command.after = chats.back();
  listed = read<ChatsListed>(store(), command);
  EXPECT_TRUE(listed.complete);
  for (const auto& [id, row] : listed.items) {
    chats.push_back(id);
    EXPECT_EQ(row.last_seq, 1u);
  }
  EXPECT_EQ(chats.size(), 6u);
  EXPECT_TRUE(std::is_sorted(chats.begin(), chats.end()));
}

TEST_P(ChatStoreConformance, ScanPendingFindsEveryHint) {
  for (int i = 0; i < 4; ++i) {
    AppendEvents command = append_of(chat_id(std::to_string(i)), 0, 1);
    command.pending = i % 2 == 0;
    ASSERT_EQ(append(store(), command).outcome, WriteOutcome::stored);
  }
  std::vector<ChatId> expected{chat_id("0"), chat_id("2")};
  std::sort(expected.begin(), expected.end());
  EXPECT_EQ(read<PendingScanned>(store(), ScanPending{}).chats, expected);
}

TEST_P(ChatStoreConformance, ListAuthoredPagesByChatAndSeq) {
  const ChatId a = std::min(chat_id("a"), chat_id("b"));
  const ChatId b = std::max(chat_id("a"), chat_id("b"));
  InboxWrite write = inbox_of(7, 0, {});
  write.authored = {{b, 2}, {a, 300}, {a, 2}, {b, 1}, {a, 2}};
  ASSERT_EQ(append_inbox(store(), write).outcome, WriteOutcome::stored);
  InboxWrite other = inbox_of(8, 0, {});
  other.authored = {{a, 9}};
  ASSERT_EQ(append_inbox(store(), other).outcome, WriteOutcome::stored);

  using Items = std::vector<std::pair<ChatId, uint64_t>>;
  ListAuthored command{UserId{7}};
  command.limit = 3;
  auto listed = read<AuthoredListed>(store(), command);
  EXPECT_EQ(listed.items, (Items{{a, 2}, {a, 300}, {b, 1}}));
  EXPECT_FALSE(listed.complete);
  command.after_chat = b;
  command.after_seq = 1;
  listed = read<AuthoredListed>(store(), command);
  EXPECT_EQ(listed.items, (Items{{b, 2}}));
  EXPECT_TRUE(listed.complete);
}

}  // namespace
}  // namespace chat::store_test
