// Connection: the client end of one WebSocket on a non-blocking socket, small enough for tens of
// thousands. It opens, shakes hands, frames and unframes; it owns its file descriptor and no thread
// or loop: the owner polls the descriptor and calls. Buffers exist only while something is half
// read, half written or half opened. Thread rule: one thread.
#pragma once

#include <netinet/in.h>

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "core/base/error.h"
#include "core/base/random.h"
#include "core/engine/io.h"
#include "core/wire/websocket.h"

namespace chat::sim {

/// What one connection tells its owner, from inside on_ready(). The owner may close the connection
/// from inside a call.
class ConnectionEvents {
 public:
  virtual ~ConnectionEvents() = default;
  virtual void on_open() = 0;
  /// One whole data message; valid during the call.
  virtual void on_message(std::string_view payload) = 0;
  /// The connection is gone, and not by close(). Code abnormal: without a Close frame; `refusal`
  /// is why the server did not upgrade, empty otherwise.
  virtual void on_closed(CloseCode code, const std::string& refusal) = 0;
};

struct ConnectionOptions {
  sockaddr_in to{};
  in_addr from{};                ///< Source address; 0 = the system's choice.
  int receive_buffer_bytes = 0;  ///< SO_RCVBUF; 0 = the system's choice.
  std::string authority;         ///< For the Host header.
  std::string path = "/v1/ws";
};

class Connection {
 public:
  enum class State : uint8_t { closed, connecting, upgrading, open };

  Connection();
  ~Connection();
  Connection(Connection&& other) noexcept;
  Connection& operator=(Connection&&) = delete;

  /// Begins to connect. Errors: rate_limited (out of descriptors or ports), unavailable.
  Status open(const ConnectionOptions& options, Encoding encoding, Random& random);
  /// The descriptor is readable or writable (or has an error): goes on. `scratch` is memory for
  /// reading, shared by all connections.
  void on_ready(bool readable, bool writable, std::span<char> scratch, ConnectionEvents& events);
  /// Sends one data message now or as soon as the socket takes it.
  void send(std::string_view payload, Random& random);
  /// Closes at once, without a Close frame and without on_closed().
  void close();
  /// Sends a Close frame, then closes as close() does.
  void close_with(CloseCode code, Random& random);

  State state() const { return state_; }
  int fd() const { return fd_; }
  /// Whether the owner should poll for writability.
  bool wants_write() const;

 private:
  struct Buffers;

  Buffers& buffers();
  void drop_idle_buffers();
  void finish_connect(ConnectionEvents& events);
  void read(std::span<char> scratch, ConnectionEvents& events);
  void read_head(std::string_view bytes, ConnectionEvents& events);
  void read_frames(std::string_view bytes, ConnectionEvents& events);
  void write(std::string_view bytes);
  void flush();
  void lose(CloseCode code, ConnectionEvents& events, const std::string& refusal = "");
  void reset_decoder();

  WebSocketDecoder decoder_;
  std::unique_ptr<Buffers> buffers_;
  int fd_ = -1;
  State state_ = State::closed;
  Encoding encoding_ = Encoding::proto;
  bool write_failed_ = false;
};

}  // namespace chat::sim
