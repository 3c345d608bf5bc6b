// ScriptedServer: a TCP server on a port of its own that answers each connection by a script, on a
// thread of its own. The script reads and writes bytes; it ends when its connection ends.
// Thread rule: the script runs on the server's thread, one connection after the other.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <thread>

#include "sim/live/endpoint.h"

namespace chat::sim {

/// One accepted connection, with blocking calls.
class ScriptedPeer {
 public:
  explicit ScriptedPeer(int fd) : fd_(fd) {}
  /// What was read so far up to and with `mark`, removed; empty when the peer closed first.
  std::string read_until(const std::string& mark);
  /// Exactly this many bytes; fewer when the peer closed first.
  std::string read(size_t bytes);
  void write(const std::string& bytes);

 private:
  bool read_more();
  int fd_;
  std::string buffer_;
};

class ScriptedServer {
 public:
  explicit ScriptedServer(std::function<void(ScriptedPeer&)> script);
  ~ScriptedServer();
  Endpoint endpoint() const { return {"127.0.0.1", port_}; }

 private:
  void run(const std::function<void(ScriptedPeer&)>& script) const;

  int listener_;
  uint16_t port_ = 0;
  std::thread thread_;
};

}  // namespace chat::sim
