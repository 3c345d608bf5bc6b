// Transport: the public port of one reactor: WebSocket connections and plain HTTP requests over
// libwebsockets. It moves bytes and decides nothing: whole messages come out as engine inputs, an
// engine's Sends and Closes go in. It owns its sockets and event loop, and keeps ≤128 bytes of its
// own per connection. HTTP requests are answered later, by respond(). Thread rule: one thread calls
// everything but wake(), which any thread may call.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/error.h"
#include "core/base/ids.h"
#include "core/base/time.h"
#include "core/engine/io.h"
#include "server/transport/address_set.h"

namespace chat {

using HttpId = StrongId<struct HttpIdTag>;  ///< One HTTP request of one transport; never reused.

struct HttpCall {
  HttpId id;
  std::string method;  ///< "GET", "POST", …
  std::string path;    ///< Decoded, starts with '/'.
  std::string query;   ///< Decoded, without '?'; parameters are joined with '&'.
  std::string authorization;
  std::string content_type;
  std::string body;
  std::string address;  ///< As Opened::address.
};

struct HttpAnswer {
  int status = 200;
  std::string content_type = "application/json";
  std::string body;
};

struct TransportOptions {
  int listen_descriptor = -1;  ///< From open_listen_sockets(); owned from here on.
  uint32_t frame_bytes_max =
      65'536;  ///< A larger message closes its connection as a protocol error.
  uint32_t http_body_bytes_max = 1 << 20;
  size_t sockets_max = 19'000;  ///< Nothing is accepted above it; keep it below the fd limit.
  int send_buffer_bytes = 128 * 1024;   ///< SO_SNDBUF: one full Send and its kernel overhead.
  Duration close_timeout = seconds(5);  ///< For the rest of a Send and the peer's close frame.
  std::vector<std::string> websocket_paths{"/", "/v1/ws"};
  AddressSet trusted_proxies;  ///< What these say of X-Forwarded-For is believed.
};

/// What happened during a wait(), in order per connection.
struct TransportReady {
  std::vector<Input> inputs;  ///< Opened, Received, Sent, Closed.
  std::vector<HttpCall> calls;
};

class Transport {
 public:
  /// Errors: unavailable (no event loop, no libwebsockets context).
  static Result<std::unique_ptr<Transport>> open(TransportOptions options);
  ~Transport();
  Transport(const Transport&) = delete;
  Transport& operator=(const Transport&) = delete;

  /// Serves the sockets until something happened, wake() was called or `at_most` has passed;
  /// appends to `ready`.
  void wait(Duration at_most, TransportReady& ready);
  /// Ends the current or the next wait(). Any thread; calls before the wait ends count as one.
  void wake();

  /// One WebSocket message; Sent follows when the kernel has all of it. Unknown and closing
  /// connections are ignored.
  void send(ConnId conn, const SharedBytes& bytes);
  /// Sends what is outstanding, then a close frame; Closed follows within seconds, whatever the
  /// peer does.
  void close(ConnId conn, CloseCode code, std::string_view reason);
  /// close() for every WebSocket.
  void close_all(CloseCode code, std::string_view reason);
  /// Answers a request. Requests whose client is gone are ignored.
  void respond(HttpId id, const HttpAnswer& response);

  /// Closes the listening socket; open connections go on.
  void stop_accepting();
  /// Open sockets of both kinds, half-done handshakes included.
  size_t sockets() const;
  /// Opened without Closed yet.
  size_t websockets() const;

 private:
  struct Impl;
  explicit Transport(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

/// Where libwebsockets' own errors and warnings go, for all transports of the process; set it
/// before the first one.
void set_transport_log(void (*sink)(bool is_error, std::string_view line));

}  // namespace chat
