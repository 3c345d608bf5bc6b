#include "sim/live/connection.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>

#include <optional>
#include <vector>

#include "core/wire/websocket_handshake.h"
#include "tests/sim_live/scripted_server.h"

namespace chat::sim {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

/// Remembers what happened.
class Log : public ConnectionEvents {
 public:
  void on_open() override { opened = true; }
  void on_message(std::string_view payload) override { messages.emplace_back(payload); }
  void on_closed(CloseCode code, const std::string& why) override {
    closed = code;
    refusal = why;
  }
  bool opened = false;
  std::vector<std::string> messages;
  std::optional<CloseCode> closed;
  std::string refusal;
};

/// Polls the connection as a loop would, until `done`.
template <class Done>
void drive(Connection& connection, Log& log, Done done) {
  std::vector<char> scratch(4096);
  for (int turns = 0; turns < 10'000 && !done(); ++turns) {
    pollfd entry{connection.fd(), POLLIN, 0};
    if (connection.wants_write()) entry.events |= POLLOUT;
    ASSERT_GT(::poll(&entry, 1, 30'000), 0) << "nothing happens";
    const bool failed = (entry.revents & (POLLERR | POLLHUP)) != 0;
    connection.on_ready(failed || (entry.revents & POLLIN) != 0,
                        failed || (entry.revents & POLLOUT) != 0, scratch, log);
  }
  EXPECT_TRUE(done());
}

void accept_upgrade(ScriptedPeer& peer) {
  const std::string head = peer.read_until("\r\n\r\n");
  const auto request = websocket_handshake::decode_request(head);
  if (!request || !*request) return;
  peer.write(websocket_handshake::encode_accept((*request)->key, (*request)->subprotocols.at(0)));
}

std::string server_frame(WebSocketOpcode opcode, std::string_view payload) {
  std::string frame;
  append_server_frame(frame, opcode, payload);
  return frame;
}

class ConnectionTest : public ::testing::Test {
 protected:
  void open(const ScriptedServer& server) {
    ConnectionOptions options{
        .to = *resolve(server.endpoint()), .from = {}, .authority = server.endpoint().authority()};
    ASSERT_TRUE(connection_.open(options, Encoding::proto, random_));
  }
  void drive_until_closed() {
    drive(connection_, log_, [&] { return log_.closed.has_value(); });
  }

  Random random_{1};
  Connection connection_;
  Log log_;
};

TEST_F(ConnectionTest, OpensEchoesAndHearsTheCloseCode) {
  const ScriptedServer server([](ScriptedPeer& peer) {
    accept_upgrade(peer);
    peer.write(server_frame(WebSocketOpcode::binary, "hello"));
    const std::string header = peer.read(6);  // Two bytes and the mask.
    std::string payload = peer.read(static_cast<size_t>(header.at(1) & 0x7f));
    for (size_t i = 0; i < payload.size(); ++i) payload[i] ^= header[2 + i % 4];
    peer.write(server_frame(WebSocketOpcode::binary, payload));
    peer.write(server_frame(WebSocketOpcode::close, close_payload(4002, "slow")));
    peer.read_until("never");
  });
  open(server);
  drive(connection_, log_, [&] { return log_.messages.size() == 1; });
  EXPECT_TRUE(log_.opened);
  EXPECT_EQ(connection_.state(), Connection::State::open);
  connection_.send("from the client", random_);
  drive_until_closed();
  EXPECT_THAT(log_.messages, ElementsAre("hello", "from the client"));
  EXPECT_EQ(log_.closed, CloseCode::slow_reader);
  EXPECT_EQ(connection_.state(), Connection::State::closed);
}

TEST_F(ConnectionTest, TakesFramesThatComeWithTheHandshakeAndInPieces) {
  const std::string long_text(100'000, 'x');
  const ScriptedServer server([&](ScriptedPeer& peer) {
    const std::string head = peer.read_until("\r\n\r\n");
    const auto request = websocket_handshake::decode_request(head);
    peer.write(websocket_handshake::encode_accept((*request)->key, "chat.v1.proto") +
               server_frame(WebSocketOpcode::binary, "early"));
    const std::string frame = server_frame(WebSocketOpcode::binary, long_text);
    peer.write(frame.substr(0, 1));
    peer.write(frame.substr(1, 50'000));
    peer.write(frame.substr(50'001));
  });
  open(server);
  drive_until_closed();
  EXPECT_THAT(log_.messages, ElementsAre("early", long_text));
  EXPECT_EQ(log_.closed, CloseCode::abnormal);
}

TEST_F(ConnectionTest, TellsWhyItWasNotUpgraded) {
  const ScriptedServer server([](ScriptedPeer& peer) {
    peer.read_until("\r\n\r\n");
    peer.write(websocket_handshake::encode_refusal(503, "Service Unavailable"));
  });
  open(server);
  drive_until_closed();
  EXPECT_FALSE(log_.opened);
  EXPECT_THAT(log_.refusal, HasSubstr("upgrade"));
}

TEST_F(ConnectionTest, TellsWhenNobodyListens) {
  Endpoint nobody;
  {
    const ScriptedServer server([](ScriptedPeer&) {});
    nobody = server.endpoint();
  }
  ConnectionOptions options{.to = *resolve(nobody), .from = {}, .authority = nobody.authority()};
  if (connection_.open(options, Encoding::proto, random_)) drive_until_closed();
  EXPECT_EQ(connection_.state(), Connection::State::closed);
}

TEST_F(ConnectionTest, SendsACloseFrameWhenItIsAskedTo) {
  std::string frame;
  {
    const ScriptedServer server([&](ScriptedPeer& peer) {
      accept_upgrade(peer);
      frame = peer.read(8);
    });
    open(server);
    drive(connection_, log_, [&] { return log_.opened; });
    connection_.close_with(CloseCode::going_away, random_);
  }
  ASSERT_EQ(frame.size(), 8u);
  EXPECT_EQ(static_cast<uint8_t>(frame[0]), 0x88);
  EXPECT_EQ((frame[6] ^ frame[2]) << 8 | static_cast<uint8_t>(frame[7] ^ frame[3]), 1001);
  EXPECT_FALSE(log_.closed) << "closing on purpose is no event";
}

}  // namespace
}  // namespace chat::sim
