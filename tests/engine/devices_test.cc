// Devices: each with its cursor; what each gets after it was away; the list of them; inboxes that
// are trimmed; unread counts.
#include "tests/engine/talk.h"

namespace chat::sim {
namespace {

using testing::Values;
using Texts = std::vector<std::string>;
using F = v1::ServerFrame;

class Devices : public Talk {
 protected:
  static EnginePolicy patient() {
    EnginePolicy policy;
    policy.heartbeat_interval = minutes(60);
    return policy;
  }
  explicit Devices(const EnginePolicy& policy = patient()) : Talk(policy) {}

  v1::Response devices_of(uint64_t user) {
    v1::Request request;
    request.set_user_id(user);
    request.mutable_list_devices();
    return ask(request);
  }
  v1::Response forget(uint64_t user, const std::string& id) {
    v1::Request request;
    request.set_user_id(user);
    request.mutable_forget_device()->set_device_id(id);
    return ask(request);
  }
  v1::ChatSummary listed(uint64_t user, const ChatId& chat) {
    v1::Request request;
    request.set_user_id(user);
    request.mutable_list_chats();
    const v1::Response response = ask(request);
    for (const auto& summary : response.chat_list().chats()) {
      if (summary.chat_id() == chat.bytes()) return summary;
    }
    ADD_FAILURE() << response.ShortDebugString();
    return {};
  }
  /// Says `count` texts "1", "2", … in batches that fit the limits of one sender.
  void say_many(Device& from, const ChatId& chat, uint32_t first, uint32_t count) {
    for (uint32_t next = first; next < first + count;) {
      std::vector<v1::ClientFrame> batch;
      for (int i = 0; i < 50 && next < first + count; ++i, ++next) {
        batch.push_back(from.message(chat, std::to_string(next), 256 * next + 255));
      }
      from.post_all(batch);
      run(600);
    }
  }
  /// Reads pages from `next` to head; how many there were.
  static int read_pages(Device& device, uint64_t next) {
    int pages = 0;
    for (bool done = false; !done; ++pages) {
      device.sync(next);
      const v1::SyncPage& page = device.last(F::kSyncPage)->sync_page();
      next = page.next();
      done = page.done();
    }
    return pages;
  }

  const ChatId chat_ = ChatId::direct(UserId{1}, UserId{2});
};
INSTANTIATE_TEST_SUITE_P(Engines, Devices, Values(1, 2, 3));

/// R22: three devices of one user, one of them away for 500 messages.
TEST_P(Devices, OneThatWasAwayGetsExactlyWhatItMissed) {
  auto ada = device(1), phone = device(2), laptop = device(2, "laptop"), tablet = device(2, "tab");
  for (auto* d : {&ada, &phone, &laptop, &tablet}) (*d)->join_live();
  say_many(*ada, chat_, 1, 10);
  tablet->ack(10);
  tablet->leave();
  say_many(*ada, chat_, 11, 500);
  EXPECT_EQ(phone->texts().size(), 510u);
  EXPECT_EQ(laptop->texts(), phone->texts());
  EXPECT_EQ(tablet->texts().size(), 10u);
  tablet->join(10);
  EXPECT_TRUE(tablet->last(F::kWelcome)->welcome().recovered());
  EXPECT_FALSE(tablet->last(F::kWelcome)->welcome().live());
  read_pages(*tablet, 11);
  EXPECT_EQ(tablet->texts(), phone->texts());
}

/// R68: as many messages as a device may be behind wait for it. It paces them by its own pages,
/// while live traffic goes on to it and to others.
TEST_P(Devices, TenThousandMessagesWaitAndComeInOrderAtItsPace) {
  auto ada = device(1), bob = device(2), cleo = device(3);
  for (auto* d : {&ada, &bob, &cleo}) (*d)->join_live();
  bob->leave();
  say_many(*ada, chat_, 1, 10'000);
  bob->join(0);
  ASSERT_EQ(bob->last(F::kWelcome)->welcome().inbox_head(), 10'000u);
  ASSERT_TRUE(bob->last(F::kWelcome)->welcome().recovered());
  const ChatId live = ChatId::direct(UserId{2}, UserId{3});
  Texts expected;
  for (uint32_t i = 1; i <= 10'000; ++i) expected.push_back(std::to_string(i));
  uint64_t next = 1;
  uint32_t pages = 0;
  for (bool done = false; !done; ++pages) {
    bob->sync(next);
    const v1::SyncPage& page = bob->last(F::kSyncPage)->sync_page();
    ASSERT_FALSE(page.reset());
    ASSERT_LE(page.entries_size(), 500);
    next = page.next();
    done = page.done();
    expected.push_back("live " + std::to_string(pages));
    cleo->say(live, expected.back(), pages + 1);
  }
  EXPECT_GE(pages, 20u);
  EXPECT_EQ(cleo->texts().size(), pages) << "the others go on";
  EXPECT_EQ(bob->count(F::kEvent), 1u) << "nothing is pushed before its pages reach the head";
  EXPECT_TRUE(bob->texts() == expected) << "in the order in which they were stored";
}

TEST_P(Devices, OneMessageMoreThanTenThousandIsAResetWithASnapshotOfChats) {
  auto ada = device(1), bob = device(2);
  ada->join_live();
  bob->join_live();
  bob->leave();
  say_many(*ada, chat_, 1, 10'001);
  bob->join(0);
  ASSERT_EQ(bob->last(F::kWelcome)->welcome().inbox_head(), 10'001u);
  EXPECT_FALSE(bob->last(F::kWelcome)->welcome().recovered());
  bob->sync(1);
  const v1::SyncPage page = bob->last(F::kSyncPage)->sync_page();
  EXPECT_TRUE(page.reset());
  EXPECT_TRUE(page.done());
  EXPECT_EQ(page.entries_size(), 0);
  EXPECT_EQ(page.next(), 10'002u);
  EXPECT_TRUE(page.chats_complete());
  ASSERT_EQ(page.chats_size(), 1);
  EXPECT_EQ(page.chats(0).last_seq(), 10'001u);
  ada->say(chat_, "now pushed", 1);
  EXPECT_EQ(bob->texts(), Texts{"now pushed"});
}

TEST_P(Devices, AreListedWithWhatTheyHaveAndWhetherTheyAreOnline) {
  auto ada = device(1), phone = device(2), laptop = device(2, "laptop");
  for (auto* d : {&ada, &phone, &laptop}) (*d)->join_live();
  ada->say(chat_, "hello", 1);
  phone->ack(1);
  laptop->leave();
  run(1'000);
  const v1::DeviceList list = devices_of(2).devices();
  ASSERT_EQ(list.devices_size(), 2);
  EXPECT_EQ(list.inbox_head(), 1u);
  EXPECT_EQ(list.devices(0).device_id(), "laptop");
  EXPECT_FALSE(list.devices(0).online());
  EXPECT_EQ(list.devices(0).inbox_seq(), 0u);
  EXPECT_GT(list.devices(0).last_seen_ms(), 0);
  EXPECT_EQ(list.devices(1).device_id(), "phone");
  EXPECT_TRUE(list.devices(1).online());
  EXPECT_EQ(list.devices(1).inbox_seq(), 1u);
  EXPECT_EQ(list.devices(1).client(), "talk");
}

TEST_P(Devices, AreKnownAfterARestart) {
  auto ada = device(1), phone = device(2);
  ada->join_live();
  phone->join_live();
  ada->say(chat_, "hello", 1);
  phone->ack(1);
  phone->leave();
  run(2'000);
  for (size_t i = 0; i < world_.processes(); ++i) world_.crash(i, milliseconds(500));
  run(5'000);
  const v1::DeviceList list = devices_of(2).devices();
  ASSERT_EQ(list.devices_size(), 1);
  EXPECT_EQ(list.devices(0).inbox_seq(), 1u);
  EXPECT_EQ(list.devices(0).client(), "talk");
}

TEST_P(Devices, AForgottenOneIsClosedAndNoLongerListed) {
  auto phone = device(2), laptop = device(2, "laptop");
  phone->join_live();
  laptop->join_live();
  EXPECT_EQ(forget(2, "fridge").error().code(), v1::NOT_FOUND);
  const v1::Response left = forget(2, "laptop");
  ASSERT_EQ(left.devices().devices_size(), 1);
  EXPECT_EQ(laptop->closed, CloseCode::revoked);
  EXPECT_FALSE(phone->closed);
  run(60'000);
  EXPECT_EQ(devices_of(2).devices().devices_size(), 1);
}

TEST_P(Devices, MoreThanFiveHundredChatsAreListedByRest) {
  auto ada = device(1);
  ada->join_live();
  for (uint64_t other = 2; other <= 503; ++other) {
    std::vector<v1::ClientFrame> frames{
        ada->message(ChatId::direct(UserId{1}, UserId{other}), "hi", static_cast<uint32_t>(other))};
    ada->post_all(frames);
    run(20);
  }
  run(3'000);
  ada->sync(0);
  const v1::SyncPage& page = ada->last(F::kSyncPage)->sync_page();
  EXPECT_TRUE(page.reset());
  EXPECT_EQ(page.chats_size(), 500);
  EXPECT_FALSE(page.chats_complete());
  std::vector<std::string> expected, listed;
  for (uint64_t other = 2; other <= 503; ++other) {
    expected.push_back(ChatId::direct(UserId{1}, UserId{other}).str());
  }
  v1::Request list;
  list.set_user_id(1);
  list.mutable_list_chats()->set_limit(200);
  do {
    const v1::ChatList part = ask(list).chat_list();
    ASSERT_GT(part.chats_size(), 0);
    EXPECT_LE(part.chats_size(), 200);
    for (const v1::ChatSummary& chat : part.chats()) listed.push_back(chat.chat_id());
    list.mutable_list_chats()->set_after_chat_id(part.next_after_chat_id());
  } while (!list.list_chats().after_chat_id().empty());
  EXPECT_EQ(listed, expected) << "all 502, by id";
}

TEST_P(Devices, UnreadIsWhatTheLogSaysAfterTheMarker) {
  auto ada = device(1), bob = device(2);
  ada->join_live();
  bob->join_live();
  for (uint32_t i = 1; i <= 5; ++i) ada->say(chat_, std::to_string(i), i);
  bob->say(chat_, "my own is not unread", 6);
  EXPECT_EQ(listed(2, chat_).unread_count(), 5u);
  EXPECT_EQ(listed(1, chat_).unread_count(), 1u);
  bob->read(chat_, 3);
  EXPECT_EQ(listed(2, chat_).unread_count(), 2u);
  bob->read(chat_, 1'000'000);
  EXPECT_EQ(listed(2, chat_).unread_count(), 0u);
  ada->say(chat_, "one more", 7);
  EXPECT_EQ(listed(2, chat_).unread_count(), 1u);
  bob->sync(0);
  EXPECT_EQ(bob->last(F::kSyncPage)->sync_page().chats(0).unread_count(), 1u);
  say_many(*ada, chat_, 100, 150);
  EXPECT_EQ(listed(2, chat_).unread_count(), 100u) << "counted up to there";
}

class TrimmedInboxes : public Devices {
 protected:
  static EnginePolicy small() {
    EnginePolicy policy = patient();
    policy.inbox_keep = 20;
    policy.inbox_trim_step = 10;
    return policy;
  }
  TrimmedInboxes() : Devices(small()) {}
};
INSTANTIATE_TEST_SUITE_P(Engines, TrimmedInboxes, Values(1, 3));

TEST_P(TrimmedInboxes, ADeviceBehindTheTrimStartsAnewAndOthersGoOn) {
  auto ada = device(1), near = device(2, "near"), far = device(2, "far");
  for (auto* d : {&ada, &near, &far}) (*d)->join_live();
  for (uint32_t i = 1; i <= 5; ++i) ada->say(chat_, std::to_string(i), i);
  far->leave();
  for (uint32_t i = 6; i <= 35; ++i) ada->say(chat_, std::to_string(i), i);
  near->leave();
  for (uint32_t i = 36; i <= 40; ++i) ada->say(chat_, std::to_string(i), i);
  run(40'000);
  near->join(35);
  EXPECT_TRUE(near->last(F::kWelcome)->welcome().recovered());
  read_pages(*near, 36);
  EXPECT_EQ(near->texts().size(), 40u);
  far->join(5);
  EXPECT_FALSE(far->last(F::kWelcome)->welcome().recovered());
  far->sync(6);
  EXPECT_TRUE(far->last(F::kSyncPage)->sync_page().reset()) << "never a part of it";
  EXPECT_EQ(far->last(F::kSyncPage)->sync_page().chats_size(), 1);
}

TEST_P(TrimmedInboxes, AUserThatWasAwayAllTheTimeHasGotAllWithItsSnapshot) {
  auto ada = device(1), bob = device(2);
  ada->join_live();
  for (uint32_t i = 1; i <= 60; ++i) ada->say(chat_, std::to_string(i), i);
  run(40'000);
  bob->join_live();
  bob->ack(60);
  run(3'000);
  EXPECT_EQ(listed(2, chat_).delivered_seq(), 60u);
}

}  // namespace
}  // namespace chat::sim
