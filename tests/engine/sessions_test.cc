#include "tests/engine/talk.h"

namespace chat::sim {
namespace {

using testing::Values;
using Texts = std::vector<std::string>;
using F = v1::ServerFrame;

class Sessions : public Talk {};
INSTANTIATE_TEST_SUITE_P(Engines, Sessions, Values(1, 2, 3));

TEST_P(Sessions, AFirstHelloStartsAtHeadWithASnapshotOfChats) {
  const ChatId group = make_chat(v1::GROUP, {1, 2});
  auto ada = device(1);
  ada->join();
  ASSERT_TRUE(ada->last(F::kWelcome));
  EXPECT_FALSE(ada->last(F::kWelcome)->welcome().recovered());
  EXPECT_EQ(ada->last(F::kWelcome)->welcome().heartbeat_interval_ms(), 30'000u);
  ada->sync(0);
  const v1::SyncPage& page = ada->last(F::kSyncPage)->sync_page();
  EXPECT_TRUE(page.reset());
  EXPECT_TRUE(page.done());
  ASSERT_EQ(page.chats_size(), 1);
  EXPECT_EQ(page.chats(0).chat_id(), group.str());
  EXPECT_EQ(page.chats(0).last_seq(), 1u);
}

TEST_P(Sessions, AResetThatTheStoreCannotAnswerIsRefusedForNowAndNotLeftEmpty) {
  make_chat(v1::GROUP, {1, 2});
  auto ada = device(1);
  ada->join();
  WorldFaults faults;
  faults.store.error_one_in = 1;
  world_.set_faults(faults);
  ada->sync(0);
  EXPECT_EQ(ada->error(), v1::UNAVAILABLE);
  EXPECT_FALSE(ada->last(F::kSyncPage));
  world_.set_faults({});
  ada->sync(0);
  ASSERT_TRUE(ada->last(F::kSyncPage));
  EXPECT_EQ(ada->last(F::kSyncPage)->sync_page().chats_size(), 1);
}

TEST_P(Sessions, AResumeGetsExactlyWhatWasMissedInOrder) {
  auto ada = device(1), bob = device(2);
  ada->join_live();
  bob->join_live();
  const ChatId chat = ChatId::direct(UserId{1}, UserId{2});
  ada->say(chat, "1", 1);
  bob->drop();
  for (uint8_t i = 2; i <= 5; ++i) ada->say(chat, std::to_string(i), i);
  bob->join(1);
  EXPECT_TRUE(bob->last(F::kWelcome)->welcome().recovered());
  EXPECT_FALSE(bob->last(F::kWelcome)->welcome().live());
  bob->sync(2);
  ada->say(chat, "6", 6);
  EXPECT_EQ(bob->texts(), (Texts{"1", "2", "3", "4", "5", "6"}));
  bob->drop();
  bob->join(6);
  EXPECT_TRUE(bob->last(F::kWelcome)->welcome().live());
  ada->say(chat, "7", 7);
  EXPECT_EQ(bob->texts().back(), "7");
}

TEST_P(Sessions, ACursorOfAnotherEpochIsVoidAndItsSyncIsAResetAndNeverAPart) {
  auto ada = device(1), bob = device(2);
  ada->join_live();
  bob->join_live();
  const ChatId chat = ChatId::direct(UserId{1}, UserId{2});
  for (uint32_t i = 1; i <= 5; ++i) bob->say(chat, std::to_string(i), i);
  ada->drop();
  for (uint32_t i = 6; i <= 8; ++i) bob->say(chat, std::to_string(i), i);
  ada->epoch += 1;
  ada->join(5);
  EXPECT_FALSE(ada->last(F::kWelcome)->welcome().recovered());
  EXPECT_FALSE(ada->last(F::kWelcome)->welcome().live());
  ada->frames.clear();
  ada->sync(6);
  ASSERT_EQ(ada->count(F::kSyncPage), 1u);
  const v1::SyncPage page = ada->last(F::kSyncPage)->sync_page();
  EXPECT_TRUE(page.reset());
  EXPECT_TRUE(page.done());
  EXPECT_EQ(page.entries_size(), 0) << "6 to 8 would be a part";
  EXPECT_EQ(page.next(), 9u);
  EXPECT_TRUE(page.chats_complete());
  ASSERT_EQ(page.chats_size(), 1);
  EXPECT_EQ(page.chats(0).last_seq(), 8u);
  bob->say(chat, "live", 9);
  EXPECT_EQ(ada->texts(), Texts{"live"});
}

TEST_P(Sessions, PagesAreLimitedAndTheOneThatReachesHeadGoesLive) {
  auto ada = device(1), bob = device(2);
  ada->join_live();
  const ChatId chat = ChatId::direct(UserId{1}, UserId{2});
  for (uint8_t i = 1; i <= 5; ++i) ada->say(chat, std::string(16'000, 'a' + i), i);
  bob->epoch = ada->epoch;
  bob->join(0);
  bob->sync(1);
  EXPECT_FALSE(bob->last(F::kSyncPage)->sync_page().done());
  const uint64_t next = bob->last(F::kSyncPage)->sync_page().next();
  EXPECT_LT(next, 6u);
  bob->sync(next);
  EXPECT_TRUE(bob->last(F::kSyncPage)->sync_page().done());
  EXPECT_EQ(bob->texts().size(), 5u);
}

TEST_P(Sessions, ASilentConnectionIsClosedAndAHeartbeatKeepsIt) {
  auto ada = device(1), bob = device(2);
  ada->join_live();
  bob->join_live();
  for (int i = 0; i < 3; ++i) {
    run(29'000);
    bob->heartbeat();
  }
  EXPECT_EQ(ada->closed, CloseCode::no_heartbeat);
  EXPECT_FALSE(bob->closed.has_value());
}

TEST_P(Sessions, PresenceOutlastsAShortLossAndEndsAfterTheGrace) {
  auto ada = device(1);
  ada->join_live();
  EXPECT_EQ(presence(1).state(), v1::ONLINE);
  ada->leave(CloseCode::abnormal);
  run(5'000);
  EXPECT_EQ(presence(1).state(), v1::ONLINE);
  ada->join(0);
  run(40'000);
  EXPECT_EQ(presence(1).state(), v1::ONLINE);
  ada->leave(CloseCode::abnormal);
  run(21'000);
  const v1::PresenceEntry gone = presence(1);
  EXPECT_EQ(gone.state(), v1::OFFLINE);
  EXPECT_GT(gone.last_seen_ms(), 0);
}

TEST_P(Sessions, ACleanCloseIsOfflineAtOnce) {
  auto ada = device(1);
  ada->join_live();
  ada->leave();
  EXPECT_EQ(presence(1).state(), v1::OFFLINE);
}

TEST_P(Sessions, TheSameDeviceReplacesItsOlderConnection) {
  auto first = device(1, "phone"), second = device(1, "phone"), other = device(1, "laptop");
  first->join_live();
  other->join_live();
  second->join_live();
  run(500);
  EXPECT_EQ(first->closed, CloseCode::replaced);
  EXPECT_FALSE(second->closed.has_value());
  EXPECT_FALSE(other->closed.has_value());
}

TEST_P(Sessions, WhoeverBreaksTheRulesOfHelloIsClosed) {
  auto silent = device(1);
  silent->connect();
  run(11'000);
  EXPECT_EQ(silent->closed, CloseCode::no_hello);

  auto hasty = device(2);
  hasty->connect();
  hasty->heartbeat();
  EXPECT_EQ(hasty->closed, CloseCode::protocol_error);

  auto twice = device(3);
  twice->join_live();
  v1::ClientFrame hello;
  hello.mutable_hello()->set_token(token_of(UserId{3}));
  hello.mutable_hello()->set_device_id("phone");
  twice->send(hello);
  EXPECT_EQ(twice->closed, CloseCode::protocol_error);

  auto liar = device(4);
  liar->connect();
  hello.mutable_hello()->set_token("user:nobody");
  liar->send(hello);
  EXPECT_EQ(liar->error(), v1::UNAUTHENTICATED);
  EXPECT_EQ(liar->closed, CloseCode::bad_token);

  auto garbage = device(5);
  garbage->join_live();
  garbage->send_bytes("\xff\xff\xff");
  EXPECT_EQ(garbage->closed, CloseCode::protocol_error);
}

TEST_P(Sessions, FramesOfLaterVersionsAreSkipped) {
  auto ada = device(1);
  ada->join_live();
  ada->send(v1::ClientFrame());
  EXPECT_FALSE(ada->last(F::kError));
  EXPECT_FALSE(ada->closed.has_value());
}

}  // namespace
}  // namespace chat::sim
