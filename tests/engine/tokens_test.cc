#include "tests/engine/talk.h"

namespace chat::sim {
namespace {

using testing::Values;
using F = v1::ServerFrame;

class Tokens : public Talk {
 protected:
  static std::string token(VirtualWorld& world, uint64_t user, Duration ttl, uint64_t login = 1) {
    return token_of(UserId{user}, LoginId{login}, world.wall(), world.wall() + ttl);
  }
  std::string token(uint64_t user, Duration ttl, uint64_t login = 1) {
    return token(world_, user, ttl, login);
  }
  static v1::ClientFrame refresh(const std::string& token, uint32_t id = 77) {
    v1::ClientFrame frame;
    frame.set_id(id);
    frame.mutable_refresh_token()->set_token(token);
    return frame;
  }
  std::unique_ptr<Device> joined(uint64_t user, Duration ttl, uint64_t login = 1) {
    auto made = device(user);
    made->token = token(user, ttl, login);
    made->join_live();
    return made;
  }
};
INSTANTIATE_TEST_SUITE_P(Engines, Tokens, Values(1, 3));

TEST_P(Tokens, TheEndOfATokenIsToldOnceBeforeAndThenClosesASilentSession) {
  auto ada = joined(1, seconds(20));
  EXPECT_NEAR(ada->last(F::kWelcome)->welcome().token_ttl_ms(), 20'000, 1'000);
  run(16'000);
  EXPECT_EQ(ada->count(F::kTokenExpiring), 0u);
  run(2'500);
  ASSERT_EQ(ada->count(F::kTokenExpiring), 1u) << "a tenth of its life is left";
  EXPECT_EQ(ada->last(F::kTokenExpiring)->reply_to(), 0u);
  EXPECT_NEAR(ada->last(F::kTokenExpiring)->token_expiring().in_ms(), 2'000, 500);
  EXPECT_FALSE(ada->closed.has_value());
  run(2'500);
  EXPECT_EQ(ada->closed, CloseCode::bad_token);
  EXPECT_EQ(ada->count(F::kTokenExpiring), 1u);
  EXPECT_EQ(total_of(&EngineCounters::tokens_expired), 1u);
  EXPECT_EQ(total_of(&EngineCounters::tokens_warned), 1u);
}

TEST_P(Tokens, ALongTokenIsWarnedAboutAMinuteBeforeItsEnd) {
  auto ada = joined(1, minutes(30));
  for (int minute = 0; minute < 28; ++minute) {
    run(60'000);
    ada->heartbeat();
  }
  EXPECT_EQ(ada->count(F::kTokenExpiring), 0u);
  run(65'000);
  ASSERT_EQ(ada->count(F::kTokenExpiring), 1u);
  EXPECT_LE(ada->last(F::kTokenExpiring)->token_expiring().in_ms(), 60'000);
}

TEST_P(Tokens, ANewTokenMovesTheEndWithoutANewConnection) {
  auto ada = joined(1, seconds(20));
  run(10'000);
  ada->send(refresh(token(1, seconds(60))));
  ASSERT_TRUE(ada->last(F::kTokenExpiring));
  EXPECT_EQ(ada->last(F::kTokenExpiring)->reply_to(), 77u);
  EXPECT_NEAR(ada->last(F::kTokenExpiring)->token_expiring().in_ms(), 60'000, 1'000);
  run(25'000);
  ada->heartbeat();
  EXPECT_FALSE(ada->closed.has_value()) << "the first token has ended long ago";
  EXPECT_EQ(ada->count(F::kWelcome), 1u);
  run(40'000);
  EXPECT_EQ(ada->count(F::kTokenExpiring), 2u) << "the new one is warned about too";
  EXPECT_EQ(ada->closed, CloseCode::bad_token);
  EXPECT_EQ(total_of(&EngineCounters::tokens_refreshed), 1u);
}

TEST_P(Tokens, ABadTokenIsRefusedAndTheSessionGoesOnUntilItsOldEnd) {
  auto ada = joined(1, seconds(30), 5);
  const std::string bad[] = {"nonsense", token(2, seconds(60), 5), token(1, seconds(60), 4),
                             token(1, seconds(0), 5), token_of(UserId{1})};
  uint32_t id = 100;
  for (const std::string& refused : bad) {
    ada->send(refresh(refused, ++id));
    EXPECT_EQ(ada->error(), v1::UNAUTHENTICATED) << refused;
    EXPECT_EQ(ada->last(F::kError)->reply_to(), id) << refused;
    EXPECT_FALSE(ada->closed.has_value());
  }
  ada->say(ChatId::direct(UserId{1}, UserId{2}), "still here", 1);
  EXPECT_EQ(ada->acked_seqs(), std::vector<uint64_t>{1});
  EXPECT_EQ(ada->count(F::kTokenExpiring), 0u);
  run(31'000);
  EXPECT_EQ(ada->closed, CloseCode::bad_token);
  EXPECT_EQ(total_of(&EngineCounters::tokens_refreshed), 0u);
}

TEST_P(Tokens, OneRefreshAtATimeIsChecked) {
  auto ada = joined(1, seconds(30));
  ada->post_all({refresh(token(1, seconds(60)), 1), refresh(token(1, seconds(90)), 2)});
  run(500);
  EXPECT_EQ(ada->error(), v1::RATE_LIMITED);
  EXPECT_EQ(ada->last(F::kError)->reply_to(), 2u);
  EXPECT_EQ(ada->last(F::kTokenExpiring)->reply_to(), 1u);
}

TEST_P(Tokens, AnExpiredTokenDoesNotOpenASession) {
  auto ada = device(1);
  ada->token = token(1, seconds(0));
  ada->join();
  EXPECT_EQ(ada->error(), v1::UNAUTHENTICATED);
  EXPECT_EQ(ada->closed, CloseCode::bad_token);
}

/// Where a write outlasts the token of the session that sent it.
class TokensOnASlowStore : public Tokens {};
INSTANTIATE_TEST_SUITE_P(Engines, TokensOnASlowStore, Values(1, 3));

TEST_P(TokensOnASlowStore, ASendUnderWayAtTheEndIsStoredOnceAndFoundByItsKey) {
  const ChatId chat = ChatId::direct(UserId{1}, UserId{2});
  auto ada = joined(1, seconds(10));
  ada->say(chat, "before", 1);
  run(8'000);
  WorldFaults slow;
  slow.store.delay_max = seconds(8);
  slow.store.stall_one_in = 1;
  world_.set_faults(slow);
  ada->post(ada->message(chat, "under way", 2));
  run(3'000);
  EXPECT_EQ(ada->closed, CloseCode::bad_token);
  world_.set_faults({});
  EXPECT_EQ(total_of(&EngineCounters::tokens_expired_sending), 1u);
  run(20'000);
  ada->token = token(1, minutes(5));
  ada->frames.clear();
  ada->join_live();
  ada->say(chat, "under way", 2);
  run(5'000);
  ASSERT_TRUE(ada->last(F::kSendAck));
  EXPECT_EQ(ada->last(F::kSendAck)->send_ack().status(), v1::DUPLICATE);
  EXPECT_EQ(ada->last(F::kSendAck)->send_ack().seq(), 2u);
  auto bob = device(2);
  bob->epoch = ada->epoch;
  bob->join(0);
  bob->sync(1);
  EXPECT_EQ(bob->texts(), (std::vector<std::string>{"before", "under way"}));
}

}  // namespace
}  // namespace chat::sim
