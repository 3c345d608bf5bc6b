// Chatd: a whole chat server inside a process: stores, reactors, REST, admin port. It opens them in
// order, serves, and ends them in order: no new connections, clients told to come back, engines
// finished, store flushed. Owns everything. Thread rule: start and stop from one thread.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "core/base/error.h"
#include "tools/chatd/chatd_options.h"

namespace chat {

/// Exit codes of the program; documented, so frozen.
enum class ExitCode : int {
  ok = 0,
  failed = 1,
  wrong_configuration = 2,
  bad_data_directory = 3,
  cannot_listen = 4,
};

class Chatd {
 public:
  /// Opens everything and serves. `on_signal` hears of SIGTERM, SIGINT and SIGHUP, on a thread of
  /// the server. On failure `exit_code` says of what kind it was.
  static Result<std::unique_ptr<Chatd>> start(const ChatdOptions& options,
                                              std::function<void(int signal)> on_signal,
                                              ExitCode& exit_code);
  ~Chatd();

  uint16_t public_port() const;
  uint16_t admin_port() const;
  /// Ends in order; false when the drain timeout cut something off. May be repeated.
  bool stop();
  /// Any thread: stop() waits for no client any more.
  void hurry();

 private:
  struct Impl;
  explicit Chatd(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace chat
