#include "sim/live/member_changer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>

#include "sim/live/clock.h"
#include "tests/sim_live/scripted_server.h"

namespace chat::sim {
namespace {

using ::testing::HasSubstr;

std::string answer_of(const std::string& status, const std::string& body) {
  return "HTTP/1.1 " + status + "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
         body;
}

class MemberChangerTest : public ::testing::Test {
 protected:
  static Scenario one_group() {
    Scenario scenario;
    scenario.users = 3;
    scenario.chats = {.groups = 1, .group_size = {.min = 3, .max = 3}};
    return scenario;
  }

  Population population_{one_group(), Random(1)};
  Roster roster_{population_, 9};
};

TEST_F(MemberChangerTest, TriesAChangeUntilItIsConfirmedAndKeepsTheOrder) {
  std::promise<std::vector<std::string>> done;
  const ScriptedServer server([&](ScriptedPeer& peer) {
    std::vector<std::string> bodies;
    while (bodies.size() < 3) {
      if (peer.read_until("\r\n\r\n").empty()) return;
      bodies.push_back(peer.read_until("}}"));
      peer.write(bodies.size() == 1 ? answer_of("503 Service Unavailable", "{}")
                                    : answer_of("200 OK", R"({"members":1})"));
    }
    done.set_value(bodies);
  });
  MemberChanger changer(roster_, server.endpoint());
  const Instant now = monotonic_now();
  changer.add(0, 2, now + minutes(60));
  changer.remove(0, 2, now + minutes(30));
  EXPECT_EQ(changer.waiting(), 2u);
  changer.hurry();
  const std::vector<std::string> bodies = done.get_future().get();
  EXPECT_THAT(bodies[0], HasSubstr("remove"));
  EXPECT_EQ(bodies[0], bodies[1]);
  EXPECT_THAT(bodies[2], HasSubstr("add"));
  EXPECT_THAT(bodies[2], HasSubstr(std::to_string(roster_.user_id(2).value)));
  EXPECT_THAT(bodies[2], HasSubstr(roster_.chat_name(0)));
  EXPECT_THAT(changer.last_error(), HasSubstr("503"));
}

TEST_F(MemberChangerTest, EndsWithChangesThatAreNotDue) {
  const ScriptedServer server([](ScriptedPeer& peer) { peer.read_until("\r\n\r\n"); });
  MemberChanger changer(roster_, server.endpoint());
  changer.remove(0, 1, monotonic_now() + minutes(60));
  EXPECT_EQ(changer.waiting(), 1u);
}

}  // namespace
}  // namespace chat::sim
