#include "core/wire/websocket_handshake.h"

#include <gtest/gtest.h>

namespace chat::websocket_handshake {
namespace {

// The nonce and key of RFC 6455, 1.3.
ClientRequest example() {
  ClientRequest request{.host = "chat.example.org", .target = "/v1/ws"};
  std::string_view nonce = "the sample nonce";
  std::copy(nonce.begin(), nonce.end(), request.nonce.begin());
  request.subprotocols = {"chat.v1.proto", "chat.v1.json"};
  return request;
}

ErrorCode error_of_response(std::string text) {
  return decode_response(text, example()).error().code;
}

std::string replaced(std::string text, std::string_view from, std::string_view to) {
  const size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return text.replace(at, from.size(), to);
}

std::string accepted() { return encode_accept("dGhlIHNhbXBsZSBub25jZQ==", "chat.v1.json"); }

TEST(WebSocketHandshake, ComputesTheAcceptValueOfTheStandard) {
  EXPECT_EQ(accept_value("dGhlIHNhbXBsZSBub25jZQ=="), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
}

TEST(WebSocketHandshake, RequestCarriesWhatTheServerReads) {
  ClientRequest request = example();
  request.headers = {{"X-Run", "7"}};
  const std::string text = encode(request) + "frames";
  EXPECT_NE(text.find("X-Run: 7\r\n"), std::string::npos);
  const auto decoded = decode_request(text);
  ASSERT_TRUE(decoded.has_value() && decoded->has_value());
  EXPECT_EQ((*decoded)->target, "/v1/ws");
  EXPECT_EQ((*decoded)->host, "chat.example.org");
  EXPECT_EQ((*decoded)->key, "dGhlIHNhbXBsZSBub25jZQ==");
  EXPECT_EQ((*decoded)->subprotocols, request.subprotocols);
  EXPECT_EQ(text.substr((*decoded)->head_bytes), "frames");
}

TEST(WebSocketHandshake, ClientAcceptsTheMatchingAnswer) {
  const auto response = decode_response(accepted() + "frames", example());
  ASSERT_TRUE(response.has_value() && response->has_value());
  EXPECT_EQ((*response)->subprotocol, "chat.v1.json");
  EXPECT_EQ((*response)->head_bytes, accepted().size());
}

TEST(WebSocketHandshake, WaitsForTheWholeHead) {
  const std::string request = encode(example()), response = accepted();
  for (size_t size = 0; size < request.size(); ++size) {
    const auto decoded = decode_request(std::string_view(request).substr(0, size));
    ASSERT_TRUE(decoded.has_value());
    EXPECT_FALSE(decoded->has_value());
  }
  for (size_t size = 0; size < response.size(); ++size) {
    const auto decoded = decode_response(std::string_view(response).substr(0, size), example());
    ASSERT_TRUE(decoded.has_value());
    EXPECT_FALSE(decoded->has_value());
  }
}

TEST(WebSocketHandshake, HeaderNamesAndTokensIgnoreCase) {
  std::string text = replaced(accepted(), "Upgrade: websocket", "UPGRADE:WebSocket");
  text = replaced(text, "Connection: Upgrade", "connection: keep-alive , upgrade");
  EXPECT_TRUE(decode_response(text, example()).has_value());
}

TEST(WebSocketHandshake, ClientMapsRefusalsToErrors) {
  EXPECT_EQ(error_of_response(encode_refusal(400, "Bad Request")), ErrorCode::invalid_argument);
  EXPECT_EQ(error_of_response(encode_refusal(401, "Unauthorized")), ErrorCode::unauthenticated);
  EXPECT_EQ(error_of_response(encode_refusal(403, "Forbidden")), ErrorCode::permission_denied);
  EXPECT_EQ(error_of_response(encode_refusal(404, "Not Found")), ErrorCode::not_found);
  EXPECT_EQ(error_of_response(encode_refusal(429, "Slow Down")), ErrorCode::rate_limited);
  EXPECT_EQ(error_of_response(encode_refusal(503, "Later")), ErrorCode::unavailable);
}

TEST(WebSocketHandshake, ClientRefusesAWrongAnswer) {
  EXPECT_EQ(error_of_response(replaced(accepted(), "s3pP", "s3pp")), ErrorCode::corrupt);
  EXPECT_EQ(error_of_response(replaced(accepted(), "chat.v1.json", "other")), ErrorCode::corrupt);
  EXPECT_EQ(error_of_response(replaced(accepted(), "Upgrade: websocket", "Upgrade: h2c")),
            ErrorCode::corrupt);
  EXPECT_EQ(error_of_response(
                replaced(accepted(), "Upgrade: ", "Sec-WebSocket-Extensions: x\r\nUpgrade: ")),
            ErrorCode::corrupt);
  EXPECT_EQ(error_of_response("SSH-2.0-OpenSSH\r\n\r\n"), ErrorCode::corrupt);
  EXPECT_EQ(error_of_response("HTTP/1.1 1x1 ?\r\n\r\n"), ErrorCode::corrupt);
  EXPECT_EQ(error_of_response("HTTP/1.1 101 ok\r\nnonsense\r\n\r\n"), ErrorCode::corrupt);
}

TEST(WebSocketHandshake, ServerRefusesWhatIsNoHandshake) {
  const std::string good = encode(example());
  for (const std::string& bad :
       {replaced(good, "GET ", "POST "), replaced(good, "HTTP/1.1", "HTTP/1.0"),
        replaced(good, "Version: 13", "Version: 8"), replaced(good, "Upgrade: websocket", "A: b"),
        replaced(good, "Connection: Upgrade", "Connection: close"), replaced(good, "Host", "Hast"),
        replaced(good, "dGhl", ""), replaced(good, "/v1/ws", "/v1 /ws")}) {
    EXPECT_EQ(decode_request(bad).error().code, ErrorCode::invalid_argument) << bad;
  }
}

TEST(WebSocketHandshake, RefusesAnEndlessHead) {
  const std::string endless = "GET / HTTP/1.1\r\nX: " + std::string(kHeadBytesMax, 'x');
  EXPECT_EQ(decode_request(endless).error().code, ErrorCode::too_large);
  EXPECT_EQ(decode_request(endless + "\r\n\r\n").error().code, ErrorCode::too_large);
}

TEST(WebSocketHandshake, ServerTakesTheFirstOfTheClientsListThatItSpeaks) {
  const std::vector<std::string_view> spoken{"chat.v1.json", "chat.v1.proto"};
  EXPECT_EQ(choose_subprotocol({"x", "chat.v1.proto", "chat.v1.json"}, spoken), "chat.v1.proto");
  EXPECT_FALSE(choose_subprotocol({"x"}, spoken));
  EXPECT_FALSE(choose_subprotocol({}, spoken));
}

}  // namespace
}  // namespace chat::websocket_handshake
