#include "sim/live/connection.h"

#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "core/wire/frame_codec.h"
#include "core/wire/websocket_handshake.h"

namespace chat::sim {
namespace {

constexpr uint32_t kMessageBytesMax = 4 << 20;

#ifndef IP_BIND_ADDRESS_NO_PORT
constexpr int IP_BIND_ADDRESS_NO_PORT = 24;
#endif

Error socket_error(const char* what, int code) {
  const bool exhausted =
      code == EMFILE || code == ENFILE || code == EADDRNOTAVAIL || code == ENOBUFS;
  return make_error(exhausted ? ErrorCode::rate_limited : ErrorCode::unavailable,
                    std::string(what) + ": " + std::strerror(code));
}

}  // namespace

struct Connection::Buffers {
  std::string out;                         ///< Not yet taken by the kernel.
  std::string head;                        ///< Of the server's handshake, as far as it came.
  websocket_handshake::ClientRequest ask;  ///< While upgrading.
};

Connection::Connection() : decoder_(WebSocketRole::client, kMessageBytesMax) {}

Connection::Connection(Connection&& other) noexcept
    : decoder_(std::move(other.decoder_)),
      buffers_(std::move(other.buffers_)),
      fd_(std::exchange(other.fd_, -1)),
      state_(std::exchange(other.state_, State::closed)),
      encoding_(other.encoding_),
      write_failed_(other.write_failed_) {}

Connection::~Connection() { close(); }

Connection::Buffers& Connection::buffers() {
  if (!buffers_) buffers_ = std::make_unique<Buffers>();
  return *buffers_;
}

void Connection::drop_idle_buffers() {
  if (buffers_ && buffers_->out.empty() && state_ == State::open) buffers_.reset();
}

void Connection::reset_decoder() {
  decoder_ = WebSocketDecoder(WebSocketRole::client, kMessageBytesMax);
}

Status Connection::open(const ConnectionOptions& options, Encoding encoding, Random& random) {
  close();
  fd_ = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd_ < 0) return socket_error("socket", errno);
  const int on = 1;
  ::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (options.receive_buffer_bytes > 0) {
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &options.receive_buffer_bytes,
                 sizeof options.receive_buffer_bytes);
  }
  if (options.from.s_addr != 0) {
    ::setsockopt(fd_, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
    sockaddr_in from{};
    from.sin_family = AF_INET;
    from.sin_addr = options.from;
    if (::bind(fd_, reinterpret_cast<const sockaddr*>(&from), sizeof from) != 0) {
      const int code = errno;
      close();
      return socket_error("bind", code);
    }
  }
  if (::connect(fd_, reinterpret_cast<const sockaddr*>(&options.to), sizeof options.to) != 0 &&
      errno != EINPROGRESS) {
    const int code = errno;
    close();
    return socket_error("connect", code);
  }
  state_ = State::connecting;
  encoding_ = encoding;
  write_failed_ = false;
  reset_decoder();
  websocket_handshake::ClientRequest& ask = buffers().ask;
  ask.host = options.authority;
  ask.target = options.path;
  ask.subprotocols = {std::string(wire::subprotocol_of(encoding))};
  for (uint8_t& byte : ask.nonce) byte = static_cast<uint8_t>(random.next());
  return {};
}

bool Connection::wants_write() const {
  return state_ == State::connecting || (buffers_ && !buffers_->out.empty());
}

void Connection::close() {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
  state_ = State::closed;
  buffers_.reset();
  reset_decoder();
}

void Connection::close_with(CloseCode code, Random& random) {
  if (state_ == State::open) {
    std::string frame;
    append_client_frame(frame, WebSocketOpcode::close,
                        close_payload(static_cast<uint16_t>(code), ""),
                        static_cast<uint32_t>(random.next()));
    write(frame);
  }
  close();
}

void Connection::lose(CloseCode code, ConnectionEvents& events, const std::string& refusal) {
  close();
  events.on_closed(code, refusal);
}

void Connection::send(std::string_view payload, Random& random) {
  if (state_ != State::open) return;
  std::string frame;
  frame.reserve(payload.size() + 14);
  append_client_frame(
      frame, encoding_ == Encoding::proto ? WebSocketOpcode::binary : WebSocketOpcode::text,
      payload, static_cast<uint32_t>(random.next()));
  write(frame);
}

void Connection::write(std::string_view bytes) {
  // A failed write shows as an error of the descriptor at the next poll.
  if (write_failed_) return;
  if (!buffers_ || buffers_->out.empty()) {
    const ssize_t written = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (written >= 0) {
      bytes.remove_prefix(static_cast<size_t>(written));
    } else if (errno != EAGAIN && errno != EINTR) {
      write_failed_ = true;
      return;
    }
  }
  if (!bytes.empty()) buffers().out.append(bytes);
}

void Connection::flush() {
  if (!buffers_ || buffers_->out.empty()) return;
  std::string rest = std::move(buffers_->out);
  buffers_->out.clear();
  write(rest);
}

void Connection::finish_connect(ConnectionEvents& events) {
  int code = 0;
  socklen_t size = sizeof code;
  ::getsockopt(fd_, SOL_SOCKET, SO_ERROR, &code, &size);
  if (code != 0) {
    lose(CloseCode::abnormal, events, std::string("connect: ") + std::strerror(code));
    return;
  }
  state_ = State::upgrading;
  write(websocket_handshake::encode(buffers().ask));
}

void Connection::on_ready(bool readable, bool writable, std::span<char> scratch,
                          ConnectionEvents& events) {
  if (state_ == State::connecting && (writable || readable)) {
    finish_connect(events);
    return;
  }
  if (writable && state_ != State::closed) flush();
  if (readable && state_ != State::closed) read(scratch, events);
  drop_idle_buffers();
}

void Connection::read(std::span<char> scratch, ConnectionEvents& events) {
  const ssize_t got = ::recv(fd_, scratch.data(), scratch.size(), 0);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (got <= 0) {
    lose(CloseCode::abnormal, events);
    return;
  }
  const std::string_view bytes(scratch.data(), static_cast<size_t>(got));
  if (state_ == State::upgrading) {
    read_head(bytes, events);
  } else {
    read_frames(bytes, events);
  }
}

void Connection::read_head(std::string_view bytes, ConnectionEvents& events) {
  Buffers& opening = buffers();
  opening.head.append(bytes);
  const auto response = websocket_handshake::decode_response(opening.head, opening.ask);
  if (!response) {
    lose(CloseCode::abnormal, events, "upgrade: " + response.error().text);
    return;
  }
  if (!*response) return;
  const std::string first_frames = opening.head.substr((*response)->head_bytes);
  opening.head.clear();
  opening.ask = {};
  state_ = State::open;
  events.on_open();
  if (state_ == State::open && !first_frames.empty()) read_frames(first_frames, events);
}

void Connection::read_frames(std::string_view bytes, ConnectionEvents& events) {
  while (state_ == State::open) {
    const WebSocketEvent event = decoder_.next(bytes);
    if (event.kind == WebSocketEvent::Kind::need_more) return;
    if (event.kind == WebSocketEvent::Kind::failed) {
      lose(CloseCode::protocol_error, events);
      return;
    }
    switch (event.opcode) {
      case WebSocketOpcode::close:
        lose(static_cast<CloseCode>(event.close_code), events);
        return;
      case WebSocketOpcode::ping: {
        std::string pong;
        append_client_frame(pong, WebSocketOpcode::pong, event.payload, 0);
        write(pong);
        break;
      }
      case WebSocketOpcode::pong:
        break;
      default:
        events.on_message(event.payload);
    }
  }
}

}  // namespace chat::sim
