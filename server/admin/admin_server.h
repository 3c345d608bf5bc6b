// AdminServer: the operator's HTTP port and the process's signals, on one Asio thread of its own.
// It shows and operates what AdminServices refers to. The port has no authentication: it belongs on
// loopback. Thread rule: open, start and stop from one thread.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "core/base/error.h"
#include "server/admin/admin_services.h"
#include "server/transport/listen_socket.h"

namespace chat {

class AdminServer {
 public:
  /// Listens; serves from start() on. `on_signal` hears of SIGTERM, SIGINT and SIGHUP on the
  /// server's thread; from here on these do not end the process. Errors: as open_listen_sockets().
  static Result<std::unique_ptr<AdminServer>> open(const HostPort& address,
                                                   const AdminServices& services,
                                                   std::function<void(int signal)> on_signal);
  ~AdminServer();

  uint16_t port() const;
  void start();
  /// Ends the thread; requests under way are dropped. Destroy the server only after the reactors
  /// and the job pool, for their callbacks refer to it.
  void stop();

 private:
  struct Impl;
  explicit AdminServer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace chat
