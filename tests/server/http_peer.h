// http_exchange: one HTTP request of a test on a connection of its own, and the whole answer.
// It blocks until the server has closed.
#pragma once

#include <poll.h>

#include <string>
#include <string_view>

#include "tests/server/transport/tcp_peer.h"

namespace chat {

struct HttpReply {
  int status = 0;
  std::string body;
};

inline HttpReply http_exchange(uint16_t port, std::string_view method, std::string_view target,
                               std::string_view body = "", std::string_view token = "") {
  TcpPeer peer(port);
  std::string request = std::string(method) + " " + std::string(target) +
                        " HTTP/1.1\r\nHost: test\r\nConnection: close\r\n";
  if (!token.empty()) request += "Authorization: Bearer " + std::string(token) + "\r\n";
  if (method != "GET") request += "Content-Length: " + std::to_string(body.size()) + "\r\n";
  peer.write(request + "\r\n" + std::string(body));
  for (int i = 0; i < 300 && !peer.ended(); ++i) {
    pollfd ready{peer.descriptor(), POLLIN, 0};
    poll(&ready, 1, 100);
  }
  const std::string& answer = peer.input();
  const size_t end = answer.find("\r\n\r\n");
  if (answer.size() < 12 || end == std::string::npos) return {};
  return {std::stoi(answer.substr(9, 3)), answer.substr(end + 4)};
}

}  // namespace chat
