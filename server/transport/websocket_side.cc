// The WebSocket half of Transport::Impl: handshake, whole messages in and out, close codes.
#include <sys/socket.h>

#include <algorithm>
#include <cstring>

#include "core/base/assert.h"
#include "core/base/utf8.h"
#include "server/transport/transport_impl.h"

namespace chat {
namespace {

constexpr size_t kCloseReasonBytesMax = 120;
constexpr size_t kProtocolListBytesMax =
    120;  ///< libwebsockets drops longer lists without an answer.

/// Whether one of a client's comma-separated subprotocols is ours.
bool speaks_one_of(std::string_view list) {
  while (!list.empty()) {
    const size_t comma = std::min(list.find(','), list.size());
    std::string_view name = list.substr(0, comma);
    while (!name.empty() && name.front() == ' ') name.remove_prefix(1);
    while (!name.empty() && name.back() == ' ') name.remove_suffix(1);
    if (name == "chat.v1.proto" || name == "chat.v1.json") return true;
    list.remove_prefix(std::min(comma + 1, list.size()));
  }
  return false;
}

void set_close_reason(lws* wsi, CloseCode code, std::string_view reason) {
  std::string copy = displayable(reason, kCloseReasonBytesMax);
  lws_close_reason(wsi, static_cast<lws_close_status>(code),
                   reinterpret_cast<unsigned char*>(copy.data()), copy.size());
}

}  // namespace

int Transport::Impl::confirm_upgrade(lws* wsi, std::string_view upgrade) {
  if (options.listen_descriptor < 0) return http_refuse(wsi, 503, "The server ends.");
  char* path = nullptr;
  int size = 0;
  if (lws_http_get_uri_and_method(wsi, &path, &size) < 0) return -1;
  const std::string_view asked(path, static_cast<size_t>(std::max(size, 0)));
  const auto& paths = options.websocket_paths;
  if (std::find(paths.begin(), paths.end(), asked) == paths.end()) {
    return http_refuse(wsi, 404, "No WebSocket here; it is at /v1/ws.");
  }
  const std::string list = header_of(wsi, WSI_TOKEN_PROTOCOL);
  const bool websocket = upgrade.size() == 9 && strncasecmp(upgrade.data(), "websocket", 9) == 0;
  if (!websocket || list.size() > kProtocolListBytesMax || !speaks_one_of(list)) {
    return http_refuse(wsi, 400, "Expected subprotocol chat.v1.proto or chat.v1.json.");
  }
  return 0;
}

int Transport::Impl::opened(lws* wsi) {
  Connection& conn = connections.add();
  conn.wsi = wsi;
  conn.encoding = lws_get_protocol(wsi)->id == 0 ? Encoding::proto : Encoding::json;
  lws_set_opaque_user_data(wsi, static_cast<SocketOwner*>(&conn));
  pending.inputs.push_back(Opened{ConnId{conn.id}, conn.encoding, address_of(wsi)});
  return 0;
}

int Transport::Impl::received(Connection& conn, std::string_view bytes) {
  if (conn.closing) return 0;
  if (conn.text.size() + bytes.size() > options.frame_bytes_max) {
    return break_off(conn, "message too large");
  }
  if ((lws_frame_is_binary(conn.wsi) != 0) != (conn.encoding == Encoding::proto)) {
    return break_off(conn, "text or binary against the subprotocol");
  }
  conn.text.append(bytes);
  if (!lws_is_final_fragment(conn.wsi)) return 0;
  pending.inputs.push_back(Received{ConnId{conn.id}, std::move(conn.text)});
  conn.text = std::string();
  return 0;
}

/// The peer broke the protocol below the frames; the engine learns it by Closed.
int Transport::Impl::break_off(Connection& conn, std::string_view reason) {
  conn.closing = conn.close_begun = true;
  conn.text = std::string();
  closes.emplace_back(ev_now(loop) + options.close_timeout.seconds(), conn.id);
  set_close_reason(conn.wsi, CloseCode::protocol_error, reason);
  return -1;
}

int Transport::Impl::writable(Connection& conn) {
  if (conn.sending && lws_partial_buffered(conn.wsi) == 0) {
    conn.sending = false;
    if (!conn.closing) pending.inputs.push_back(Sent{ConnId{conn.id}});
  }
  // Once more is too much: the second -1 would not wait for the peer's answer.
  if (!conn.closing || conn.sending || conn.close_begun) return 0;
  conn.close_begun = true;
  set_close_reason(conn.wsi, conn.close_code, conn.text);
  return -1;
}

void Transport::Impl::peer_close(Connection& conn, std::string_view payload) {
  conn.peer_closed = true;
  conn.peer_code = CloseCode::none_received;
  if (payload.size() >= 2) {
    conn.peer_code = static_cast<CloseCode>(static_cast<uint8_t>(payload[0]) << 8 |
                                            static_cast<uint8_t>(payload[1]));
  }
}

void Transport::Impl::closed(Connection& conn) {
  pending.inputs.push_back(Closed{ConnId{conn.id}, conn.peer_code});
  lws_set_opaque_user_data(conn.wsi, nullptr);
  connections.remove(conn);
}

void Transport::send(ConnId id, const SharedBytes& bytes) {
  Impl& impl = *impl_;
  Connection* conn = impl.connections.find(id.value);
  if (conn == nullptr || conn->closing || conn->peer_closed) return;
  CHAT_ASSERT(!conn->sending);
  if (impl.framed != bytes) {
    impl.frame.resize(LWS_PRE + bytes->size());
    std::copy(bytes->begin(), bytes->end(), impl.frame.begin() + LWS_PRE);
    impl.framed = bytes;
  }
  // Outside of libwebsockets' writable callback: with one Send outstanding at most, nothing can be
  // in front of it but a control frame, behind which libwebsockets queues it. It saves two
  // epoll_ctl and an event per message.
  const int written =
      lws_write(conn->wsi, impl.frame.data() + LWS_PRE, bytes->size(),
                conn->encoding == Encoding::proto ? LWS_WRITE_BINARY : LWS_WRITE_TEXT);
  if (written < 0) {
    lws_set_timeout(conn->wsi, PENDING_TIMEOUT_USER_OK, LWS_TO_KILL_SYNC);
  } else if (lws_partial_buffered(conn->wsi) != 0) {
    conn->sending = true;
  } else {
    impl.pending.inputs.push_back(Sent{id});
  }
}

void Transport::close(ConnId id, CloseCode code, std::string_view reason) {
  Connection* conn = impl_->connections.find(id.value);
  if (conn == nullptr || conn->closing) return;
  conn->closing = true;
  conn->close_code = code;
  conn->text = reason;
  impl_->closes.emplace_back(ev_now(impl_->loop) + impl_->options.close_timeout.seconds(),
                             conn->id);
  if (conn->sending) return;  // writable() goes on when the kernel has the rest.
  conn->close_begun = true;
  set_close_reason(conn->wsi, code, reason);
  lws_set_timeout(conn->wsi, PENDING_TIMEOUT_USER_OK, LWS_TO_KILL_SYNC);
}

void Transport::close_all(CloseCode code, std::string_view reason) {
  std::vector<ConnId> open;
  impl_->connections.each([&open](const Connection& conn) { open.push_back(ConnId{conn.id}); });
  for (const ConnId conn : open) close(conn, code, reason);
}

/// Cuts off peers that neither read nor answer the close frame. libwebsockets' own timers do not
/// serve: with libev an earlier one does not replace the one that is armed.
void Transport::Impl::expire_closes() {
  while (!closes.empty() && closes.front().first <= ev_now(loop)) {
    Connection* conn = connections.find(closes.front().second);
    closes.pop_front();
    if (conn != nullptr) ::shutdown(lws_get_socket_fd(conn->wsi), SHUT_RDWR);
  }
}

}  // namespace chat
