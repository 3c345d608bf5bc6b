#include "tools/http/http_client.h"

#include <curl/curl.h>

#include "core/base/assert.h"

namespace chat {
namespace {

size_t append_body(char* data, size_t size, size_t count, void* body) {
  static_cast<std::string*>(body)->append(data, size * count);
  return size * count;
}

struct HeaderList {
  curl_slist* list = nullptr;
  ~HeaderList() { curl_slist_free_all(list); }
  void add(const std::string& line) { list = curl_slist_append(list, line.c_str()); }
};

Error error_of(CURLcode code, const std::string& url, const char* details) {
  const std::string text = url + ": " + (*details ? details : curl_easy_strerror(code));
  const bool is_url_wrong = code == CURLE_URL_MALFORMAT || code == CURLE_UNSUPPORTED_PROTOCOL;
  return {is_url_wrong ? ErrorCode::invalid_argument : ErrorCode::unavailable, text};
}

}  // namespace

struct HttpClient::Impl {
  CURL* handle = curl_easy_init();
  ~Impl() { curl_easy_cleanup(handle); }
};

HttpClient::HttpClient() : impl_(std::make_unique<Impl>()) { CHAT_ASSERT(impl_->handle); }
HttpClient::~HttpClient() = default;

Result<HttpResponse> HttpClient::perform(const HttpRequest& request) {
  CURL* const handle = impl_->handle;
  curl_easy_reset(handle);
  HttpResponse response;
  char details[CURL_ERROR_SIZE] = "";
  HeaderList headers;
  if (!request.bearer_token.empty()) headers.add("Authorization: Bearer " + request.bearer_token);
  curl_easy_setopt(handle, CURLOPT_ERRORBUFFER, details);
  curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(handle, CURLOPT_PROXY, "");
  curl_easy_setopt(handle, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(handle, CURLOPT_URL, request.url.c_str());
  curl_easy_setopt(handle, CURLOPT_TIMEOUT_MS, static_cast<long>(request.timeout.ms()));
  curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, append_body);
  curl_easy_setopt(handle, CURLOPT_WRITEDATA, &response.body);
  if (request.method != "GET") {
    headers.add("Content-Type: " + request.content_type);
    headers.add("Expect:");  // Without it a body over 1 MiB waits a second for a "100 Continue".
    curl_easy_setopt(handle, CURLOPT_CUSTOMREQUEST, request.method.c_str());
    curl_easy_setopt(handle, CURLOPT_POSTFIELDS, request.body.data());
    curl_easy_setopt(handle, CURLOPT_POSTFIELDSIZE_LARGE,
                     static_cast<curl_off_t>(request.body.size()));
  }
  curl_easy_setopt(handle, CURLOPT_HTTPHEADER, headers.list);
  const CURLcode code = curl_easy_perform(handle);
  if (code != CURLE_OK) return error_of(code, request.url, details);
  long status = 0;
  curl_easy_getinfo(handle, CURLINFO_RESPONSE_CODE, &status);
  response.status = static_cast<int>(status);
  return response;
}

std::string HttpClient::escape(std::string_view text) {
  char* const escaped = curl_easy_escape(nullptr, text.data(), static_cast<int>(text.size()));
  CHAT_ASSERT(escaped);
  std::string result(escaped);
  curl_free(escaped);
  return result;
}

}  // namespace chat
