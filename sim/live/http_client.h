// HttpClient: a small blocking HTTP/1.1 client with one kept-alive connection, for the REST and
// admin ports of chatd. Not for the measured path. A request on a connection that the server had
// closed meanwhile is tried once more on a new one; so only repeatable requests belong here.
// Thread rule: one thread per client.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/base/error.h"
#include "core/base/time.h"
#include "sim/live/endpoint.h"

namespace chat::sim {

struct HttpRequest {
  std::string_view method = "GET";
  std::string target = "/";
  std::string body = {};
  std::string_view content_type = "application/json";
};

struct HttpResponse {
  int status = 0;
  std::string body;
};

class HttpClient {
 public:
  explicit HttpClient(Endpoint endpoint, Duration timeout = seconds(30));
  ~HttpClient();
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;

  /// The answer, whatever its status. Errors: unavailable (no connection, no answer in time),
  /// corrupt (not an HTTP answer).
  Result<HttpResponse> exchange(const HttpRequest& request);
  /// Requests go there from now on.
  void set_endpoint(const Endpoint& endpoint);
  const Endpoint& endpoint() const { return endpoint_; }

 private:
  Status connect();
  void close();
  Status write_all(std::string_view bytes);
  /// Appends what arrives next to buffer_; false at the end of the stream.
  Result<bool> read_more();
  Status wait_for(short events);
  Result<HttpResponse> try_exchange(const std::string& head, const std::string& body);
  Result<HttpResponse> read_response();
  Status read_body(std::string_view head, HttpResponse& response);
  Status read_chunks(HttpResponse& response);
  Result<std::string> read_until(std::string_view mark);

  Endpoint endpoint_;
  Duration timeout_;
  Instant deadline_;
  int fd_ = -1;
  std::string buffer_;
};

}  // namespace chat::sim
