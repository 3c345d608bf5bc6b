#include "server/transport/listen_socket.h"

#include <fmt/format.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstring>
#include <memory>

namespace chat {
namespace {

constexpr int kBacklog = 4096;

struct FreeAddress {
  void operator()(addrinfo* info) const { freeaddrinfo(info); }
};
using Address = std::unique_ptr<addrinfo, FreeAddress>;

Error socket_error(const HostPort& address, std::string_view doing, int code) {
  const std::string where = format_host_port(address);
  switch (code) {
    case EADDRINUSE:
      return make_error(ErrorCode::already_exists,
                        fmt::format("{} is taken: another process listens there", where));
    case EACCES:
      return make_error(ErrorCode::permission_denied,
                        fmt::format("{}: not allowed to listen there", where));
    case EADDRNOTAVAIL:
      return make_error(ErrorCode::invalid_argument,
                        fmt::format("{}: this machine has no such address", where));
    default:
      return make_error(ErrorCode::unavailable,
                        fmt::format("{}: cannot {}: {}", where, doing, std::strerror(code)));
  }
}

Result<Address> resolve(const HostPort& address) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  const std::string port = std::to_string(address.port);
  const int code = getaddrinfo(address.host.c_str(), port.c_str(), &hints, &found);
  if (code != 0) {
    return make_error(ErrorCode::invalid_argument,
                      fmt::format("{}: {}", format_host_port(address), gai_strerror(code)));
  }
  return Address(found);
}

/// A bound socket, or -1 with errno.
int bound_socket(const addrinfo& info, bool share_port) {
  const int fd =
      socket(info.ai_family, info.ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC, info.ai_protocol);
  if (fd < 0) return -1;
  const int on = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (share_port) setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
  if (bind(fd, info.ai_addr, info.ai_addrlen) == 0) return fd;
  const int code = errno;
  close(fd);
  errno = code;
  return -1;
}

uint16_t port_of(int fd) {
  sockaddr_storage local{};
  socklen_t size = sizeof local;
  if (getsockname(fd, reinterpret_cast<sockaddr*>(&local), &size) != 0) return 0;
  return ntohs(local.ss_family == AF_INET6 ? reinterpret_cast<sockaddr_in6&>(local).sin6_port
                                           : reinterpret_cast<sockaddr_in&>(local).sin_port);
}

void set_port(addrinfo& info, uint16_t port) {
  if (info.ai_family == AF_INET6) {
    reinterpret_cast<sockaddr_in6*>(info.ai_addr)->sin6_port = htons(port);
  } else {
    reinterpret_cast<sockaddr_in*>(info.ai_addr)->sin_port = htons(port);
  }
}

}  // namespace

Result<HostPort> parse_host_port(std::string_view text) {
  const size_t colon = text.rfind(':');
  HostPort address;
  if (colon != std::string_view::npos) {
    std::string_view host = text.substr(0, colon), port = text.substr(colon + 1);
    if (host.size() >= 2 && host.front() == '[' && host.back() == ']') {
      host = host.substr(1, host.size() - 2);
    } else if (host.find(':') != std::string_view::npos) {
      host = {};
    }
    const auto [end, code] = std::from_chars(port.data(), port.data() + port.size(), address.port);
    address.host = host;
    if (!host.empty() && code == std::errc{} && end == port.data() + port.size()) return address;
  }
  return make_error(
      ErrorCode::invalid_argument,
      fmt::format("expected an address such as 127.0.0.1:8080 or [::1]:8080, got \"{}\"", text));
}

std::string format_host_port(const HostPort& address) {
  if (address.host.find(':') != std::string::npos) {
    return fmt::format("[{}]:{}", address.host, address.port);
  }
  return fmt::format("{}:{}", address.host, address.port);
}

Result<ListenSockets> open_listen_sockets(const HostPort& address, int count) {
  auto resolved = resolve(address);
  if (!resolved) return resolved.error();
  addrinfo& info = **resolved;
  if (address.port != 0) {
    // SO_REUSEPORT would quietly share the port with another chatd of the same user; a bind without
    // it tells.
    const int probe = bound_socket(info, false);
    if (probe < 0) return socket_error(address, "listen", errno);
    close(probe);
  }
  ListenSockets sockets;
  for (int i = 0; i < count; ++i) {
    const int fd = bound_socket(info, true);
    if (fd < 0 || listen(fd, kBacklog) != 0) {
      const int code = errno;
      if (fd >= 0) close(fd);
      for (int open : sockets.descriptors) close(open);
      return socket_error(address, "listen", code);
    }
    sockets.descriptors.push_back(fd);
    if (i == 0) {
      sockets.port = port_of(fd);
      set_port(info, sockets.port);
    }
  }
  return sockets;
}

}  // namespace chat
