// HttpClient: blocking HTTP requests of the command line tools, on libcurl.
// It owns one handle, so that requests to the same server share a connection. It never follows a
// redirect and never uses a proxy: the admin port is spoken to directly. Every HTTP status is an
// answer; only a request without an answer is an Error. Thread rule: one client per thread.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "core/base/error.h"
#include "core/base/time.h"

namespace chat {

struct HttpRequest {
  std::string method = "GET";
  std::string url;
  std::string body = {};  ///< Sent when the method is not GET.
  std::string content_type = "application/json";
  std::string bearer_token = {};  ///< Empty = no Authorization header.
  Duration timeout = seconds(30);
};

struct HttpResponse {
  int status = 0;
  std::string body;
};

class HttpClient {
 public:
  HttpClient();
  ~HttpClient();
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;

  /// Sends the request and waits for the whole answer. Errors: unavailable (nobody answers, or not
  /// in time), invalid_argument (the URL is none).
  Result<HttpResponse> perform(const HttpRequest& request);

  /// `text` as one path segment or query value.
  static std::string escape(std::string_view text);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace chat
