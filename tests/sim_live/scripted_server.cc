#include "tests/sim_live/scripted_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <utility>

namespace chat::sim {

bool ScriptedPeer::read_more() {
  char chunk[4096];
  const ssize_t got = ::recv(fd_, chunk, sizeof chunk, 0);
  if (got <= 0) return false;
  buffer_.append(chunk, static_cast<size_t>(got));
  return true;
}

std::string ScriptedPeer::read_until(const std::string& mark) {
  size_t at = 0;
  while ((at = buffer_.find(mark)) == std::string::npos) {
    if (!read_more()) return "";
  }
  std::string found = buffer_.substr(0, at + mark.size());
  buffer_.erase(0, at + mark.size());
  return found;
}

std::string ScriptedPeer::read(size_t bytes) {
  while (buffer_.size() < bytes && read_more()) continue;
  std::string found = buffer_.substr(0, bytes);
  buffer_.erase(0, bytes);
  return found;
}

void ScriptedPeer::write(const std::string& bytes) {
  std::string_view rest = bytes;
  while (!rest.empty()) {
    const ssize_t put = ::send(fd_, rest.data(), rest.size(), MSG_NOSIGNAL);
    if (put <= 0) return;
    rest.remove_prefix(static_cast<size_t>(put));
  }
}

ScriptedServer::ScriptedServer(std::function<void(ScriptedPeer&)> script)
    : listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  ::bind(listener_, reinterpret_cast<sockaddr*>(&address), size);
  ::listen(listener_, 16);
  ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
  port_ = ntohs(address.sin_port);
  thread_ = std::thread([this, script = std::move(script)] { run(script); });
}

ScriptedServer::~ScriptedServer() {
  ::shutdown(listener_, SHUT_RDWR);
  thread_.join();
  ::close(listener_);
}

void ScriptedServer::run(const std::function<void(ScriptedPeer&)>& script) const {
  for (;;) {
    const int fd = ::accept(listener_, nullptr, nullptr);
    if (fd < 0) return;
    ScriptedPeer peer(fd);
    script(peer);
    ::close(fd);
  }
}

}  // namespace chat::sim
