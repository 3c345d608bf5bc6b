// TcpPeer: a client socket of a test, with just enough HTTP and RFC 6455 to speak to a server by
// hand. Non-blocking: the test pumps the server in between. Frames it writes are masked with a zero
// key.
#pragma once

#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <string>
#include <string_view>
#include <utility>

namespace chat {

class TcpPeer {
 public:
  explicit TcpPeer(uint16_t port, int receive_buffer_bytes = 0) {
    fd_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (receive_buffer_bytes > 0) {
      setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &receive_buffer_bytes, sizeof receive_buffer_bytes);
    }
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(connect(fd_, reinterpret_cast<sockaddr*>(&to), sizeof to), 0);
    fcntl(fd_, F_SETFL, O_NONBLOCK);
  }
  ~TcpPeer() { hang_up(); }
  TcpPeer(const TcpPeer&) = delete;
  TcpPeer& operator=(const TcpPeer&) = delete;

  int descriptor() const { return fd_; }
  void hang_up() {
    if (fd_ >= 0) close(fd_);
    fd_ = -1;
  }

  void write(std::string_view bytes) {
    ASSERT_EQ(::write(fd_, bytes.data(), bytes.size()), static_cast<ssize_t>(bytes.size()));
  }

  /// All that has come so far and was not taken.
  std::string& input() {
    char chunk[65536];
    ssize_t size;
    while (fd_ >= 0 && (size = ::read(fd_, chunk, sizeof chunk)) > 0) {
      input_.append(chunk, static_cast<size_t>(size));
    }
    ended_ = ended_ || fd_ < 0 || (size == 0) || (size < 0 && errno == ECONNRESET);
    return input_;
  }
  /// Takes it.
  std::string take_input() { return std::exchange(input(), {}); }
  /// Whether the server has closed; reads what there is.
  bool ended() {
    input();
    return ended_;
  }

  void upgrade(std::string_view protocols, std::string_view path = "/v1/ws",
               std::string_view more_headers = "") {
    write("GET " + std::string(path) + " HTTP/1.1\r\nHost: test\r\nUpgrade: websocket\r\n" +
          "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n" +
          "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n" +
          (protocols.empty() ? "" : "Sec-WebSocket-Protocol: " + std::string(protocols) + "\r\n") +
          std::string(more_headers) + "\r\n");
  }

  /// One client frame; opcodes 0 continuation, 1 text, 2 binary, 8 close, 9 ping.
  static std::string frame(int opcode, std::string_view payload, bool final = true) {
    std::string out;
    out += static_cast<char>((final ? 0x80 : 0) | opcode);
    if (payload.size() < 126) {
      out += static_cast<char>(0x80 | payload.size());
    } else if (payload.size() < 65536) {
      out += static_cast<char>(0x80 | 126);
      for (int shift = 8; shift >= 0; shift -= 8) out += static_cast<char>(payload.size() >> shift);
    } else {
      out += static_cast<char>(0x80 | 127);
      for (int shift = 56; shift >= 0; shift -= 8)
        out += static_cast<char>(payload.size() >> shift);
    }
    return out + std::string(4, '\0') + std::string(payload);
  }

 private:
  int fd_ = -1;
  bool ended_ = false;
  std::string input_;
};

}  // namespace chat
