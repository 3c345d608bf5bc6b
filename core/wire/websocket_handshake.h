// The opening handshake of RFC 6455 as text, both roles, without a socket.
// The caller collects what it has read until a head is complete; nothing is kept per connection.
// Thread rule: none.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/base/error.h"

namespace chat::websocket_handshake {

/// A longer head is refused.
inline constexpr size_t kHeadBytesMax = 16 * 1024;

struct ClientRequest {
  std::string host = {};                       ///< With the port if it is not the scheme's own.
  std::string target = "/";                    ///< Path and query.
  std::array<uint8_t, 16> nonce{};             ///< Random; its base64 form is Sec-WebSocket-Key.
  std::vector<std::string> subprotocols = {};  ///< In order of preference.
  std::vector<std::pair<std::string, std::string>> headers = {};  ///< Further ones.
};
/// The bytes a client sends first.
std::string encode(const ClientRequest& request);

struct ServerResponse {
  std::string subprotocol = {};  ///< Empty when the server chose none.
  size_t head_bytes = 0;         ///< What follows in the buffer is WebSocket frames.
};
/// Reads the server's answer to `request` from the front of `buffer`; nullopt while it is
/// incomplete. An HTTP refusal is an error by its status: unauthenticated (401), permission_denied
/// (403), not_found (404), rate_limited (429), unavailable (5xx), else invalid_argument. `corrupt`:
/// it is no answer to this handshake.
Result<std::optional<ServerResponse>> decode_response(std::string_view buffer,
                                                      const ClientRequest& request);

struct ServerRequest {
  std::string target = {};
  std::string host = {};
  std::string key = {};                        ///< Sec-WebSocket-Key as it was sent.
  std::vector<std::string> subprotocols = {};  ///< In the client's order.
  size_t head_bytes = 0;
};
/// Reads a client's request from the front of `buffer`; nullopt while it is incomplete.
/// invalid_argument: it is no WebSocket handshake of version 13.
Result<std::optional<ServerRequest>> decode_request(std::string_view buffer);

/// The first of the client's subprotocols that is spoken here; nullopt when there is none.
std::optional<std::string> choose_subprotocol(const std::vector<std::string>& offered,
                                              const std::vector<std::string_view>& spoken);
/// The answer that opens the connection; no subprotocol header when `subprotocol` is empty.
std::string encode_accept(std::string_view key, std::string_view subprotocol);
/// An answer that refuses and closes, for example (400, "Bad Request").
std::string encode_refusal(int status, std::string_view reason);

/// Sec-WebSocket-Accept: base64 of SHA-1 of the key and the GUID of RFC 6455.
std::string accept_value(std::string_view key);

}  // namespace chat::websocket_handshake
