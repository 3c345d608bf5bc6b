#include "sim/live/login_pool.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>

#include <map>

#include "tests/sim_live/scripted_server.h"

namespace chat::sim {
namespace {

using ::testing::HasSubstr;

TEST(LoginPool, LogsEveryUserInAndTellsWhoWasRefused) {
  const ScriptedServer server([](ScriptedPeer& peer) {
    for (;;) {
      const std::string head = peer.read_until("\r\n\r\n");
      if (head.empty()) return;
      const std::string body = peer.read_until("}");
      const bool refused = body.find("-1@") != std::string::npos;
      const std::string answer =
          refused ? R"({"code":"UNAUTHENTICATED"})" : R"({"userId":"7","accessToken":"token"})";
      peer.write("HTTP/1.1 " + std::string(refused ? "401 Unauthorized" : "200 OK") +
                 "\r\nConnection: close\r\nContent-Length: " + std::to_string(answer.size()) +
                 "\r\n\r\n" + answer);
      return;
    }
  });
  Scenario scenario;
  scenario.users = 3;
  const Population population(scenario, Random(1));
  const Roster roster(population, 9);
  LoginPool pool(roster, server.endpoint());
  for (uint32_t user = 0; user < 3; ++user) pool.request(user);
  std::map<uint32_t, Result<std::string>> answers;
  while (answers.size() < 3) {
    pollfd ready{pool.ready_fd(), POLLIN, 0};
    ASSERT_EQ(::poll(&ready, 1, 30'000), 1) << "no answer";
    for (LoginPool::Answer& answer : pool.take()) {
      answers.emplace(answer.user, std::move(answer.token));
    }
  }
  EXPECT_EQ(*answers.at(0), "token");
  EXPECT_EQ(*answers.at(2), "token");
  ASSERT_FALSE(answers.at(1));
  EXPECT_EQ(answers.at(1).error().code, ErrorCode::unauthenticated);
  EXPECT_THAT(answers.at(1).error().text, HasSubstr("401"));
}

TEST(LoginPool, EndsWithRequestsThatNobodyAnswered) {
  const ScriptedServer server([](ScriptedPeer& peer) { peer.read_until("\r\n\r\n"); });
  Scenario scenario;
  scenario.users = 50;
  const Population population(scenario, Random(1));
  const Roster roster(population, 9);
  LoginPool pool(roster, server.endpoint());
  for (uint32_t user = 0; user < 50; ++user) pool.request(user);
}

}  // namespace
}  // namespace chat::sim
