// Listening TCP sockets: one address, one socket per reactor (SO_REUSEPORT), the kernel spreads the
// connections. A port that somebody else listens on is an error, also when that process would allow
// sharing it. Owns nothing: the caller closes the descriptors. Callable from any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/error.h"

namespace chat {

struct HostPort {
  std::string host;   ///< An IPv4 or IPv6 address, or a name.
  uint16_t port = 0;  ///< 0 = the kernel chooses.
};

/// Reads "127.0.0.1:8080", "[::1]:8080" or "localhost:0".
Result<HostPort> parse_host_port(std::string_view text);
/// As parse_host_port() reads it.
std::string format_host_port(const HostPort& address);

struct ListenSockets {
  std::vector<int> descriptors;  ///< Non-blocking, listening, close-on-exec.
  uint16_t port = 0;
};

/// Opens `count` sockets on one port. Errors: already_exists (somebody listens there),
/// permission_denied, invalid_argument (no such address here), unavailable.
Result<ListenSockets> open_listen_sockets(const HostPort& address, int count);

}  // namespace chat
