// The codec against Boost.Beast as an independent peer of either role, over a stream in memory.
#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/_experimental/test/stream.hpp>
#include <boost/beast/core/buffers_to_string.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/websocket.hpp>
#include <thread>

#include "core/base/random.h"
#include "core/wire/websocket.h"
#include "core/wire/websocket_handshake.h"

namespace chat {
namespace {

namespace beast = boost::beast;
using Opcode = WebSocketOpcode;

constexpr uint32_t kMax = 1 << 20;

class WebSocketAgainstBeast : public testing::Test {
 protected:
  WebSocketAgainstBeast() { ours_.connect(beast_.next_layer()); }

  // What Beast has written since the last call.
  std::string received() {
    std::string out(ours_.str());
    ours_.clear();
    return out;
  }

  // Sends text messages of all length forms to and fro.
  void converse(WebSocketRole our_role) {
    beast_.auto_fragment(true);
    beast_.write_buffer_bytes(1'000);
    WebSocketDecoder decoder(our_role, kMax);
    Random random(1);
    for (const size_t size : {0u, 1u, 125u, 126u, 127u, 4'096u, 65'535u, 65'536u, 200'000u}) {
      std::string payload(size, 'x');
      for (char& c : payload) c = static_cast<char>('a' + random.below(26));
      std::string frame;
      if (our_role == WebSocketRole::client) {
        append_client_frame(frame, Opcode::text, payload, static_cast<uint32_t>(random.next()));
      } else {
        append_server_frame(frame, Opcode::text, payload);
      }
      boost::asio::write(ours_, boost::asio::buffer(frame));
      beast::flat_buffer read;
      beast_.read(read);
      ASSERT_EQ(beast::buffers_to_string(read.data()), payload);

      beast_.write(boost::asio::buffer(payload));
      const std::string bytes = received();
      std::string_view input = bytes;
      const WebSocketEvent event = decoder.next(input);
      ASSERT_EQ(event.kind, WebSocketEvent::Kind::message);
      ASSERT_EQ(event.payload, payload);
      ASSERT_EQ(decoder.next(input).kind, WebSocketEvent::Kind::need_more);
      ASSERT_TRUE(input.empty());
    }
  }

  boost::asio::io_context io_;
  beast::test::stream ours_{io_};
  beast::websocket::stream<beast::test::stream> beast_{io_};
};

TEST_F(WebSocketAgainstBeast, OurClientTalksToItsServer) {
  const websocket_handshake::ClientRequest request{.host = "localhost"};
  boost::asio::write(ours_, boost::asio::buffer(websocket_handshake::encode(request)));
  beast_.accept();
  const auto response = websocket_handshake::decode_response(received(), request);
  ASSERT_TRUE(response.has_value() && response->has_value());
  converse(WebSocketRole::client);
}

TEST_F(WebSocketAgainstBeast, OurServerTalksToItsClient) {
  // Beast's handshake blocks until it is answered.
  std::thread client([this] { beast_.handshake("localhost", "/"); });
  std::string head;
  char byte;
  while (!head.ends_with("\r\n\r\n")) {
    ours_.read_some(boost::asio::buffer(&byte, 1));
    head.push_back(byte);
  }
  const auto request = websocket_handshake::decode_request(head);
  const bool understood = request.has_value() && request->has_value();
  const std::string answer = understood ? websocket_handshake::encode_accept((*request)->key, "")
                                        : websocket_handshake::encode_refusal(400, "Bad Request");
  boost::asio::write(ours_, boost::asio::buffer(answer));
  client.join();
  ASSERT_TRUE(understood);
  converse(WebSocketRole::server);
}

TEST_F(WebSocketAgainstBeast, ItsServerUnderstandsOurClose) {
  const websocket_handshake::ClientRequest request{.host = "localhost"};
  boost::asio::write(ours_, boost::asio::buffer(websocket_handshake::encode(request)));
  beast_.accept();
  received();
  std::string frame;
  append_client_frame(frame, Opcode::close, close_payload(4002, "slow"), 7);
  boost::asio::write(ours_, boost::asio::buffer(frame));
  beast::flat_buffer read;
  boost::system::error_code error;
  beast_.read(read, error);
  EXPECT_EQ(error, beast::websocket::error::closed);
  EXPECT_EQ(beast_.reason().code, 4002);
  EXPECT_EQ(beast_.reason().reason, "slow");
}

}  // namespace
}  // namespace chat
