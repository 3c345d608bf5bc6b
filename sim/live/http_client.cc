#include "sim/live/http_client.h"

#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <charconv>
#include <cstring>

#include "sim/live/clock.h"

namespace chat::sim {
namespace {

constexpr size_t kAnswerBytesMax = size_t{64} << 20;

Error failed(const Endpoint& endpoint, const char* what, int code) {
  return make_error(ErrorCode::unavailable,
                    endpoint.authority() + ": " + what + ": " + std::strerror(code));
}

Error not_http(const Endpoint& endpoint) {
  return make_error(ErrorCode::corrupt, endpoint.authority() + ": not an HTTP answer");
}

/// The value of a header, or an empty view.
std::string_view header(std::string_view head, std::string_view name) {
  size_t at = head.find("\r\n");
  while (at != std::string_view::npos) {
    at += 2;
    const size_t end = std::min(head.find("\r\n", at), head.size());
    const std::string_view line = head.substr(at, end - at);
    const auto same = [](char a, char b) {
      return std::tolower(static_cast<unsigned char>(a)) == b;
    };
    if (line.size() > name.size() && line[name.size()] == ':' &&
        std::equal(name.begin(), name.end(), line.begin(),
                   [&](char want, char have) { return same(have, want); })) {
      std::string_view value = line.substr(name.size() + 1);
      while (value.starts_with(' ')) value.remove_prefix(1);
      return value;
    }
    at = head.find("\r\n", at);
  }
  return {};
}

}  // namespace

HttpClient::HttpClient(Endpoint endpoint, Duration timeout)
    : endpoint_(std::move(endpoint)), timeout_(timeout) {}

HttpClient::~HttpClient() { close(); }

void HttpClient::close() {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
  buffer_.clear();
}

void HttpClient::set_endpoint(const Endpoint& endpoint) {
  if (endpoint == endpoint_) return;
  close();
  endpoint_ = endpoint;
}

Status HttpClient::connect() {
  const auto address = resolve(endpoint_);
  if (!address) return address.error();
  fd_ = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd_ < 0) return failed(endpoint_, "socket", errno);
  const int on = 1;
  ::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  const sockaddr_in to = *address;
  if (::connect(fd_, reinterpret_cast<const sockaddr*>(&to), sizeof to) == 0) return {};
  if (errno != EINPROGRESS) return failed(endpoint_, "connect", errno);
  if (Status ready = wait_for(POLLOUT); !ready) return ready;
  int code = 0;
  socklen_t size = sizeof code;
  ::getsockopt(fd_, SOL_SOCKET, SO_ERROR, &code, &size);
  if (code != 0) return failed(endpoint_, "connect", code);
  return {};
}

Status HttpClient::wait_for(short events) {
  for (;;) {
    const Duration left = deadline_ - monotonic_now();
    if (left.ns <= 0) return failed(endpoint_, "waiting", ETIMEDOUT);
    pollfd entry{fd_, events, 0};
    const int ready = ::poll(&entry, 1, static_cast<int>(left.ms()) + 1);
    if (ready > 0) return {};
    if (ready < 0 && errno != EINTR) return failed(endpoint_, "poll", errno);
  }
}

Status HttpClient::write_all(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (written > 0) {
      bytes.remove_prefix(static_cast<size_t>(written));
    } else if (errno == EAGAIN) {
      if (Status ready = wait_for(POLLOUT); !ready) return ready;
    } else if (errno != EINTR) {
      return failed(endpoint_, "send", errno);
    }
  }
  return {};
}

Result<bool> HttpClient::read_more() {
  for (;;) {
    char chunk[16 * 1024];
    const ssize_t got = ::recv(fd_, chunk, sizeof chunk, 0);
    if (got > 0) {
      buffer_.append(chunk, static_cast<size_t>(got));
      if (buffer_.size() > kAnswerBytesMax) return not_http(endpoint_);
      return true;
    }
    if (got == 0) return false;
    if (errno == EAGAIN) {
      if (Status ready = wait_for(POLLIN); !ready) return ready.error();
    } else if (errno != EINTR) {
      return failed(endpoint_, "receive", errno);
    }
  }
}

Result<HttpResponse> HttpClient::exchange(const HttpRequest& request) {
  std::string head;
  head.append(request.method).append(" ").append(request.target).append(" HTTP/1.1\r\n");
  head.append("Host: ").append(endpoint_.authority()).append("\r\n");
  if (!request.body.empty() || request.method != "GET") {
    head.append("Content-Type: ").append(request.content_type).append("\r\nContent-Length: ");
    head.append(std::to_string(request.body.size())).append("\r\n");
  }
  head.append("\r\n");
  deadline_ = monotonic_now() + timeout_;
  const bool kept_alive = fd_ >= 0;
  auto response = try_exchange(head, request.body);
  if (!response && kept_alive && response.error().code == ErrorCode::unavailable) {
    response = try_exchange(head, request.body);
  }
  return response;
}

Result<HttpResponse> HttpClient::try_exchange(const std::string& head, const std::string& body) {
  Status done;
  if (fd_ < 0) done = connect();
  if (done) done = write_all(head);
  if (done) done = write_all(body);
  Result<HttpResponse> response = make_error(ErrorCode::unavailable, "");
  if (done) {
    response = read_response();
  } else {
    response = done.error();
  }
  if (!response) close();
  return response;
}

Result<std::string> HttpClient::read_until(std::string_view mark) {
  size_t searched = 0;
  for (;;) {
    const size_t at = buffer_.find(mark, searched);
    if (at != std::string::npos) {
      std::string found = buffer_.substr(0, at + mark.size());
      buffer_.erase(0, at + mark.size());
      return found;
    }
    searched = buffer_.size() < mark.size() ? 0 : buffer_.size() - mark.size();
    const auto more = read_more();
    if (!more) return more.error();
    if (!*more) return failed(endpoint_, "receive", ECONNRESET);
  }
}

Result<HttpResponse> HttpClient::read_response() {
  const auto head = read_until("\r\n\r\n");
  if (!head) return head.error();
  HttpResponse response;
  const std::string_view text = *head;
  const auto read = text.starts_with("HTTP/1.") && text.size() > 12
                        ? std::from_chars(text.data() + 9, text.data() + 12, response.status)
                        : std::from_chars_result{nullptr, std::errc::invalid_argument};
  if (read.ec != std::errc{}) return not_http(endpoint_);
  if (Status body = read_body(text, response); !body) return body.error();
  if (header(text, "connection") == "close") close();
  return response;
}

Status HttpClient::read_body(std::string_view head, HttpResponse& response) {
  if (header(head, "transfer-encoding") == "chunked") return read_chunks(response);
  const std::string_view length = header(head, "content-length");
  if (response.status == 204 || response.status == 304) return {};
  size_t size = 0;
  if (length.empty()) {
    // The body ends with the connection.
    for (;;) {
      const auto more = read_more();
      if (!more) return more.error();
      if (!*more) break;
    }
    response.body = std::move(buffer_);
    close();
    return {};
  }
  const auto read = std::from_chars(length.data(), length.data() + length.size(), size);
  if (read.ec != std::errc{} || size > kAnswerBytesMax) return not_http(endpoint_);
  while (buffer_.size() < size) {
    const auto more = read_more();
    if (!more) return more.error();
    if (!*more) return failed(endpoint_, "receive", ECONNRESET);
  }
  response.body = buffer_.substr(0, size);
  buffer_.erase(0, size);
  return {};
}

Status HttpClient::read_chunks(HttpResponse& response) {
  for (;;) {
    const auto line = read_until("\r\n");
    if (!line) return line.error();
    size_t size = 0;
    const auto read = std::from_chars(line->data(), line->data() + line->size(), size, 16);
    if (read.ec != std::errc{} || size > kAnswerBytesMax) return not_http(endpoint_);
    while (buffer_.size() < size + 2) {
      const auto more = read_more();
      if (!more) return more.error();
      if (!*more) return failed(endpoint_, "receive", ECONNRESET);
    }
    response.body.append(buffer_, 0, size);
    buffer_.erase(0, size + 2);
    if (size == 0) return {};
  }
}

}  // namespace chat::sim
