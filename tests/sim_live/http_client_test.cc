#include "sim/live/http_client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>

#include "tests/sim_live/scripted_server.h"

namespace chat::sim {
namespace {

using ::testing::HasSubstr;

TEST(HttpClient, SendsARequestWithItsBodyAndReadsTheAnswer) {
  std::string head, body;
  const ScriptedServer server([&](ScriptedPeer& peer) {
    head = peer.read_until("\r\n\r\n");
    body = peer.read(7);
    peer.write("HTTP/1.1 201 Created\r\ncontent-length: 2\r\n\r\nok");
  });
  HttpClient client(server.endpoint());
  const auto response =
      client.exchange({.method = "POST", .target = "/a?b=1", .body = "{\"c\":1}"});
  ASSERT_TRUE(response) << response.error().text;
  EXPECT_EQ(response->status, 201);
  EXPECT_EQ(response->body, "ok");
  EXPECT_THAT(head, HasSubstr("POST /a?b=1 HTTP/1.1\r\n"));
  EXPECT_THAT(head, HasSubstr("Content-Length: 7\r\n"));
  EXPECT_EQ(body, "{\"c\":1}");
}

TEST(HttpClient, KeepsItsConnectionAndOpensANewOneWhenTheServerClosedIt) {
  std::atomic<int> connections = 0;
  const ScriptedServer server([&](ScriptedPeer& peer) {
    ++connections;
    for (int i = 0; i < 2; ++i) {
      if (peer.read_until("\r\n\r\n").empty()) return;
      peer.write("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx");
    }
  });
  HttpClient client(server.endpoint());
  for (int i = 0; i < 4; ++i) ASSERT_TRUE(client.exchange({.target = "/"}));
  EXPECT_EQ(connections, 2);
}

TEST(HttpClient, ReadsChunkedBodiesAndBodiesThatEndWithTheConnection) {
  int answers = 0;
  const ScriptedServer server([&](ScriptedPeer& peer) {
    if (peer.read_until("\r\n\r\n").empty()) return;
    if (++answers == 1) {
      peer.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n");
      peer.write("5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n");
    } else {
      peer.write("HTTP/1.0 200 OK\r\n\r\nuntil the end");
    }
  });
  HttpClient client(server.endpoint());
  EXPECT_EQ(client.exchange({.target = "/"})->body, "hello world");
  EXPECT_EQ(client.exchange({.target = "/"})->body, "until the end");
}

TEST(HttpClient, SaysWhatIsWrong) {
  const ScriptedServer server([&](ScriptedPeer& peer) {
    if (peer.read_until("\r\n\r\n").empty()) return;
    peer.write("SSH-2.0-OpenSSH\r\n\r\n");
  });
  HttpClient no_http(server.endpoint());
  EXPECT_EQ(no_http.exchange({.target = "/"}).error().code, ErrorCode::corrupt);
  HttpClient nobody({"127.0.0.1", 1});
  EXPECT_EQ(nobody.exchange({.target = "/"}).error().code, ErrorCode::unavailable);
}

TEST(HttpClient, GivesUpOnAServerThatDoesNotAnswer) {
  const ScriptedServer server([&](ScriptedPeer& peer) { peer.read_until("never"); });
  HttpClient client(server.endpoint(), milliseconds(20));
  const auto response = client.exchange({.target = "/"});
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().code, ErrorCode::unavailable);
}

}  // namespace
}  // namespace chat::sim
