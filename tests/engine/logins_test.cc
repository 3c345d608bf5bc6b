#include "tests/engine/talk.h"

namespace chat::sim {
namespace {

using testing::Values;
using F = v1::ServerFrame;

/// Devices of one user on every engine, each in a log-in of its own.
class Logins : public Talk {
 protected:
  std::string token(uint64_t user, uint64_t login) {
    return token_of(UserId{user}, LoginId{login}, world_.wall(), world_.wall() + minutes(60));
  }
  std::unique_ptr<Device> joined(uint64_t user, uint64_t login, uint64_t engine = 0) {
    auto made = device(user, "device of " + std::to_string(login));
    if (engine != 0) made->engine = EngineId{1 + (engine - 1) % world_.engines()};
    made->token = token(user, login);
    made->join_live();
    return made;
  }
  void end(AccountChanged change) { world_.end_logins(change); }
};
INSTANTIATE_TEST_SUITE_P(Engines, Logins, Values(1, 2, 3));

TEST_P(Logins, ARevokedLogInLosesItsConnectionWithinASecondOnWhicheverEngine) {
  std::vector<std::unique_ptr<Device>> devices;
  for (uint64_t login = 1; login <= 6; ++login) devices.push_back(joined(1, login, login));
  auto other = joined(2, 7);
  end({.user = UserId{1}, .ended = {LoginId{2}, LoginId{3}, LoginId{4}}});
  run(1'000);
  for (uint64_t login = 1; login <= 6; ++login) {
    const bool ended = login >= 2 && login <= 4;  // One at least on each engine, and one stays.
    EXPECT_EQ(devices[login - 1]->closed.has_value(), ended) << login;
    if (ended) {
      EXPECT_EQ(devices[login - 1]->closed, CloseCode::revoked);
    }
  }
  EXPECT_FALSE(other->closed.has_value());
  EXPECT_EQ(presence(1).state(), v1::ONLINE) << "other devices are there";
  EXPECT_EQ(total_of(&EngineCounters::sessions_revoked), 3u);
}

TEST_P(Logins, ALogOutEndsPresenceAtOnceAndALostLinkAfterTheGrace) {
  auto ada = joined(1, 1), bob = joined(2, 2);
  end({.user = UserId{1}, .ended = {LoginId{1}}});
  bob->leave(CloseCode::abnormal);
  run(1'000);
  EXPECT_EQ(ada->closed, CloseCode::revoked);
  EXPECT_EQ(presence(1).state(), v1::OFFLINE);
  EXPECT_EQ(presence(2).state(), v1::ONLINE);
  run(20'000);
  EXPECT_EQ(presence(2).state(), v1::OFFLINE);
}

TEST_P(Logins, ALogOutEndsTheGraceOfALinkThatWasLostBefore) {
  auto ada = joined(1, 1), bob = joined(2, 2);
  ada->leave(CloseCode::abnormal);
  bob->leave(CloseCode::abnormal);
  run(1'000);
  EXPECT_EQ(presence(1).state(), v1::ONLINE);
  end({.user = UserId{1}, .ended = {LoginId{1}}});
  run(1'000);
  EXPECT_EQ(presence(1).state(), v1::OFFLINE);
  EXPECT_EQ(presence(2).state(), v1::ONLINE);
}

TEST_P(Logins, TheTokensOfARevokedLogInAreRefusedFromThenOn) {
  auto ada = joined(1, 1), bob = joined(2, 2);
  const std::string revoked = token(1, 1);
  end({.user = UserId{1}, .ended = {LoginId{1}}});
  run(1'000);
  auto thief = device(1, "another");
  thief->token = revoked;
  thief->join();
  EXPECT_EQ(thief->error(), v1::UNAUTHENTICATED);
  EXPECT_EQ(thief->closed, CloseCode::bad_token);
  auto again = joined(1, 3);
  EXPECT_TRUE(again->last(F::kWelcome)) << "a new log-in is another one";
}

TEST_P(Logins, OfARevocationAndAHelloThatRaceNoSessionIsLeft) {
  std::vector<std::unique_ptr<Device>> racers;
  for (uint64_t i = 0; i < 30; ++i) {
    auto racer = device(1, "racer " + std::to_string(i));
    racer->connect();
    racers.push_back(std::move(racer));
  }
  const std::string raced = token(1, 9);
  for (size_t i = 0; i < racers.size(); ++i) {
    v1::ClientFrame hello;
    hello.mutable_hello()->set_token(raced);
    hello.mutable_hello()->set_device_id("racer " + std::to_string(i));
    racers[i]->post(hello);
    run(static_cast<int64_t>(i % 3));
    if (i == racers.size() / 2) end({.user = UserId{1}, .ended = {LoginId{9}}});
  }
  run(2'000);
  for (const auto& racer : racers) {
    EXPECT_TRUE(racer->closed == CloseCode::revoked || racer->closed == CloseCode::bad_token);
  }
  EXPECT_EQ(presence(1).state(), v1::OFFLINE);
}

TEST_P(Logins, EverythingOfAUserEndsWithTheTokensOfNoLogInToo) {
  auto phone = joined(1, 1), tablet = joined(1, 0);
  run(10);
  end({.user = UserId{1}, .ended_until = world_.wall()});
  run(1'000);
  EXPECT_EQ(phone->closed, CloseCode::revoked);
  EXPECT_EQ(tablet->closed, CloseCode::revoked);
  EXPECT_EQ(presence(1).state(), v1::OFFLINE);
  auto later = joined(1, 0);
  EXPECT_TRUE(later->last(F::kWelcome)) << "a token that was made afterwards is good";
}

TEST_P(Logins, ASessionThatTookATokenOfANewerLogInStandsAndFallsWithThatOne) {
  auto ada = joined(1, 1);
  v1::ClientFrame refresh;
  refresh.set_id(5);
  refresh.mutable_refresh_token()->set_token(token(1, 2));
  ada->send(refresh);
  ASSERT_EQ(ada->last(F::kTokenExpiring)->reply_to(), 5u);
  end({.user = UserId{1}, .ended = {LoginId{1}}});
  run(1'000);
  EXPECT_FALSE(ada->closed.has_value());
  ada->leave(CloseCode::abnormal);
  run(1'000);
  EXPECT_EQ(presence(1).state(), v1::ONLINE);
  end({.user = UserId{1}, .ended = {LoginId{2}}});
  run(1'000);
  EXPECT_EQ(presence(1).state(), v1::OFFLINE) << "its home knows the newer log-in";
}

// ---------------------------------------------------------------- a device and itself

TEST_P(Logins, ADeviceReplacesItselfOnWhicheverEngineItsOlderConnectionIs) {
  for (uint64_t engine = 1; engine <= 4; ++engine) {
    auto older = device(1, "phone"), newer = device(1, "phone");
    older->engine = EngineId{1 + engine % world_.engines()};
    newer->engine = EngineId{1 + (engine / 2) % world_.engines()};
    older->join_live();
    newer->join_live();
    run(500);
    EXPECT_EQ(older->closed, CloseCode::replaced) << engine;
    EXPECT_FALSE(newer->closed.has_value()) << engine;
    newer->leave();
  }
}

TEST_P(Logins, AnOlderConnectionThatComesBackLateReplacesTheNewerOne) {
  auto older = device(1, "phone"), newer = device(1, "phone");
  older->join_live();
  older->drop();
  newer->join_live();
  older->join(0);
  run(500);
  EXPECT_EQ(newer->closed, CloseCode::replaced) << "the last Hello of a device counts";
  EXPECT_FALSE(older->closed.has_value());
  EXPECT_EQ(presence(1).state(), v1::ONLINE);
}

TEST_P(Logins, AReplacedConnectionDoesNotEndThePresenceOfTheNewOne) {
  auto older = device(1, "phone"), newer = device(1, "phone");
  older->join_live();
  newer->join_live();
  run(500);
  ASSERT_EQ(older->closed, CloseCode::replaced);
  run(25'000);
  newer->heartbeat();
  EXPECT_EQ(presence(1).state(), v1::ONLINE);
  EXPECT_FALSE(newer->closed.has_value());
}

}  // namespace
}  // namespace chat::sim
