#include "server/reactor/reactor.h"

#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <thread>

#include "tests/server/reactor/reactor_fixture.h"
#include "tests/server/ws_device.h"

namespace chat {
namespace {

class ReactorTest : public ReactorFixture {};

TEST_F(ReactorTest, UsersTalkAcrossEngines) {
  start(3);
  std::vector<std::unique_ptr<WsDevice>> devices;
  for (uint64_t user = 1; user <= 6; ++user) {
    const Encoding encoding = user % 2 == 0 ? Encoding::proto : Encoding::json;
    devices.push_back(std::make_unique<WsDevice>(port_, encoding));
    EXPECT_TRUE(devices.back()->hello("user:" + std::to_string(user)).has_welcome());
  }
  for (uint64_t user = 1; user <= 6; ++user) {
    const uint64_t peer = user % 6 + 1;
    const std::string text = "to " + std::to_string(peer);
    const v1::ServerFrame reply = devices[user - 1]->say(peer, text, text);
    EXPECT_EQ(reply.send_ack().status(), v1::STORED) << reply.ShortDebugString();
    EXPECT_EQ(devices[peer - 1]->hear(text).event().actor().user_id(), user);
  }
}

TEST_F(ReactorTest, AWrongTokenClosesWithItsCode) {
  start(1);
  WsDevice device(port_);
  device.hello("nobody");
  EXPECT_EQ(device.closed(), static_cast<uint16_t>(CloseCode::bad_token));
}

TEST_F(ReactorTest, AnswersRequestsOfOtherThreads) {
  start(2);
  WsDevice device(port_);
  device.hello("user:5");
  for (size_t i = 0; i < group_->size(); ++i) {
    auto request = std::make_shared<v1::Request>();
    request->mutable_get_presence()->add_user_ids(5);
    request->mutable_get_presence()->add_user_ids(6);
    std::promise<v1::Response> promise;
    group_->at(i).submit_request(request, [&promise](std::shared_ptr<const v1::Response> response) {
      promise.set_value(*response);
    });
    const v1::Response response = promise.get_future().get();
    ASSERT_EQ(response.presence().entries_size(), 2) << response.ShortDebugString();
    EXPECT_EQ(response.presence().entries(0).state(), v1::ONLINE);
    EXPECT_NE(response.presence().entries(1).state(), v1::ONLINE);
  }
}

TEST_F(ReactorTest, HandsHttpCallsToTheServices) {
  start(1);
  TcpPeer peer(port_);
  peer.write("GET /x HTTP/1.1\r\nHost: t\r\n\r\n");
  while (peer.input().find("heard /x") == std::string::npos) {
    ASSERT_FALSE(peer.ended());
    std::this_thread::yield();
  }
}

TEST_F(ReactorTest, DrainsInOrder) {
  start(2);
  WsDevice first(port_), second(port_, Encoding::json);
  first.hello("user:1");
  second.hello("user:2");
  first.say(2, "last words", "k");
  std::thread clients([&] {
    EXPECT_EQ(first.closed(), static_cast<uint16_t>(CloseCode::drain));
    EXPECT_EQ(second.closed(), static_cast<uint16_t>(CloseCode::drain));
  });
  const std::atomic<bool> hurry = false;
  EXPECT_TRUE(group_->drain({.window = {}}, seconds(20), hurry));
  clients.join();
  EngineCounters sum;
  for (size_t i = 0; i < group_->size(); ++i) {
    const ReactorStats stats = group_->at(i).stats();
    EXPECT_GT(stats.turn_time_s, 0);
    EXPECT_GE(stats.turn_time_squared_s2 * static_cast<double>(stats.engine.turns),
              stats.turn_time_s * stats.turn_time_s * (1 - 1e-9))
        << "no spread is negative";
    sum.sends_stored += stats.engine.sends_stored;
    sum.connections += stats.engine.connections;
    sum.connections_opened += stats.engine.connections_opened;
  }
  EXPECT_EQ(sum.sends_stored, 1u);
  EXPECT_EQ(sum.connections, 0u);
  EXPECT_EQ(sum.connections_opened, 2u);
}

}  // namespace
}  // namespace chat
