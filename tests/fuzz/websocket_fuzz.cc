// The WebSocket decoder of both roles: it may fail but never crash, read beyond its input or exceed
// its limit; how the input is cut into reads changes nothing; and what it accepts decodes to the
// same after encoding it again. The first byte chooses the role, whether the rest is a handshake
// instead, and the size of the reads.
#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/assert.h"
#include "core/wire/websocket.h"
#include "core/wire/websocket_handshake.h"

namespace chat {
namespace {

constexpr uint32_t kMessageBytesMax = 4'096;

struct Seen {
  WebSocketEvent::Kind kind;
  WebSocketOpcode opcode;
  uint16_t close_code;
  std::string payload;
  bool operator==(const Seen&) const = default;
};

std::vector<Seen> decode(WebSocketRole role, std::string_view bytes, size_t piece) {
  WebSocketDecoder decoder(role, kMessageBytesMax);
  std::vector<Seen> out;
  while (!bytes.empty()) {
    const std::string part(bytes.substr(0, piece));
    bytes.remove_prefix(part.size());
    std::string_view input = part;
    for (;;) {
      const WebSocketEvent event = decoder.next(input);
      if (event.kind == WebSocketEvent::Kind::need_more) break;
      CHAT_ASSERT(event.payload.size() <= kMessageBytesMax);
      out.push_back({event.kind, event.opcode, event.close_code, std::string(event.payload)});
      if (event.kind == WebSocketEvent::Kind::failed) return out;
    }
    CHAT_ASSERT(input.empty());
  }
  return out;
}

std::string encode(WebSocketRole receiver, const std::vector<Seen>& messages) {
  std::string out;
  for (const Seen& seen : messages) {
    if (seen.kind == WebSocketEvent::Kind::failed) break;
    const bool close = seen.opcode == WebSocketOpcode::close;
    const std::string payload = close ? close_payload(seen.close_code, seen.payload) : seen.payload;
    if (receiver == WebSocketRole::server) {
      append_client_frame(out, seen.opcode, payload, 0x9e3779b9);
    } else {
      append_server_frame(out, seen.opcode, payload);
    }
  }
  return out;
}

void fuzz_frames(WebSocketRole role, std::string_view bytes, size_t piece) {
  std::vector<Seen> whole = decode(role, bytes, SIZE_MAX);
  CHAT_ASSERT(decode(role, bytes, piece) == whole);
  if (!whole.empty() && whole.back().kind == WebSocketEvent::Kind::failed) whole.pop_back();
  CHAT_ASSERT(decode(role, encode(role, whole), SIZE_MAX) == whole);
}

void fuzz_handshake(WebSocketRole role, std::string_view bytes) {
  if (role == WebSocketRole::server) {
    const auto request = websocket_handshake::decode_request(bytes);
    if (request && *request) CHAT_ASSERT((*request)->head_bytes <= bytes.size());
  } else {
    const websocket_handshake::ClientRequest request{.host = "h",
                                                     .subprotocols = {"chat.v1.proto"}};
    const auto response = websocket_handshake::decode_response(bytes, request);
    if (response && *response) CHAT_ASSERT((*response)->head_bytes <= bytes.size());
  }
}

}  // namespace
}  // namespace chat

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const auto role = (data[0] & 1) != 0 ? chat::WebSocketRole::server : chat::WebSocketRole::client;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  if ((data[0] & 2) != 0) {
    chat::fuzz_handshake(role, bytes);
  } else {
    chat::fuzz_frames(role, bytes, size_t{1} + (data[0] >> 2));
  }
  return 0;
}
