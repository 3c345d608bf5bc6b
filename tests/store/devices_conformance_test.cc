// How every ChatStore keeps devices and trims inboxes.
#include "tests/store/chat_store_conformance.h"

namespace chat::store_test {
namespace {

TEST_P(ChatStoreConformance, DevicesAreSavedChangedAndForgotten) {
  SaveUser save{UserId{7}, 1, std::nullopt};
  save.devices = {{"phone", 5, 60, "app 1"}, {"tv", 0, 50, ""}};
  take<Saved>(write_one(store(), save));
  save.devices = {{"phone", 9, 70, "app 2"}};
  save.forget_devices = {"tv", "fridge"};
  take<Saved>(write_one(store(), save));
  const auto loaded = read<UserLoaded>(store(), LoadUser{UserId{7}});
  ASSERT_EQ(loaded.devices.size(), 1u);
  EXPECT_EQ(loaded.devices[0].device_id, "phone");
  EXPECT_EQ(loaded.devices[0].acked_inbox_seq, 9u);
  EXPECT_EQ(loaded.devices[0].last_seen_ms, 70);
  EXPECT_EQ(loaded.devices[0].client, "app 2");
  EXPECT_TRUE(read<UserLoaded>(store(), LoadUser{UserId{8}}).devices.empty());
}

TEST_P(ChatStoreConformance, ATrimmedInboxBeginsWithTheRowThatHoldsTheOldestEntry) {
  const ChatId a = chat_id("a");
  fill(a, 9);
  take<Saved>(write_one(store(), TrimInbox{UserId{7}, 5}));
  append_inbox(store(), inbox_of(7, 0, {run_row(1, a, 1, 3), run_row(4, a, 4, 3)}));
  append_inbox(store(), inbox_of(7, 6, {run_row(7, a, 7, 3)}));
  append_inbox(store(), inbox_of(8, 0, {run_row(1, a, 1, 3)}));
  take<Saved>(write_one(store(), TrimInbox{UserId{7}, 5}));
  EXPECT_EQ(read<UserLoaded>(store(), LoadUser{UserId{7}}).row.oldest_inbox_seq, 4u);
  const auto entries = read<InboxRead>(store(), ReadInbox{UserId{7}, 1}).entries;
  ASSERT_EQ(entries.size(), 6u);
  EXPECT_EQ(entries.front().inbox_seq, 4u);
  EXPECT_EQ(entries.front().seq, 4u);
  take<Saved>(write_one(store(), TrimInbox{UserId{7}, 2}));
  EXPECT_EQ(read<UserLoaded>(store(), LoadUser{UserId{7}}).row.oldest_inbox_seq, 4u) << "rises";
  EXPECT_EQ(read<UserLoaded>(store(), LoadUser{UserId{7}}).row.inbox_head, 9u);
  EXPECT_EQ(read<InboxRead>(store(), ReadInbox{UserId{8}, 1}).entries.size(), 3u) << "another's";
}

}  // namespace
}  // namespace chat::store_test
