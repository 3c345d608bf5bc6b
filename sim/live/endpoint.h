// Endpoint: a host and port to connect to, and Target: where chatd is, by URL or ready file.
// A ready file is read again on request, because a chatd that was started anew has new ports.
// Thread rule: plain values; Target belongs to one thread.
#pragma once

#include <netinet/in.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "core/base/error.h"

namespace chat::sim {

struct Endpoint {
  std::string host;
  uint16_t port = 0;

  /// From "http://HOST[:PORT][/]" or "HOST:PORT". Errors: invalid_argument.
  static Result<Endpoint> parse(std::string_view url);
  /// "HOST:PORT", as it stands in a Host header.
  std::string authority() const;
  bool operator==(const Endpoint&) const = default;
};

/// The IPv4 address of an endpoint. Errors: unavailable when the name does not resolve.
Result<sockaddr_in> resolve(const Endpoint& endpoint);
bool is_loopback(const sockaddr_in& address);

class Target {
 public:
  /// `target` is chatd's public URL or the path of its ready file; `admin` the URL of its admin
  /// port, which only a ready file makes unnecessary. Errors: invalid_argument, unavailable.
  static Result<Target> open(const std::string& target, const std::string& admin);

  const Endpoint& public_endpoint() const { return public_; }
  const Endpoint& admin_endpoint() const { return admin_; }
  /// As it was given.
  const std::string& name() const { return name_; }
  /// Reads the ready file again. False when there is none to be read; the endpoints stay then.
  bool reload();

 private:
  Status read_ready_file();

  std::string name_;
  std::string ready_file_;  ///< Empty when the target is a URL.
  bool fixed_admin_ = false;
  Endpoint public_, admin_;
};

}  // namespace chat::sim
