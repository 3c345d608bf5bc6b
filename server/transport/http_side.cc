// The HTTP half of Transport::Impl: requests with bodies in, answers out, keep-alive.
#include <fmt/format.h>

#include <charconv>

#include "server/transport/transport_impl.h"

namespace chat {
namespace {

struct MethodName {
  int method;
  std::string_view name;
};
constexpr MethodName kMethods[] = {{LWSHUMETH_GET, "GET"},       {LWSHUMETH_POST, "POST"},
                                   {LWSHUMETH_PUT, "PUT"},       {LWSHUMETH_PATCH, "PATCH"},
                                   {LWSHUMETH_DELETE, "DELETE"}, {LWSHUMETH_OPTIONS, "OPTIONS"},
                                   {LWSHUMETH_HEAD, "HEAD"}};

std::string_view method_of(lws* wsi) {
  char* path = nullptr;
  int size = 0;
  const int method = lws_http_get_uri_and_method(wsi, &path, &size);
  for (const MethodName& known : kMethods) {
    if (known.method == method) return known.name;
  }
  return "";
}

std::string_view reason_of(int status) {
  switch (status) {
    case 200:
      return "OK";
    case 201:
      return "Created";
    case 204:
      return "No Content";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 409:
      return "Conflict";
    case 411:
      return "Length Required";
    case 413:
      return "Content Too Large";
    case 429:
      return "Too Many Requests";
    case 503:
      return "Service Unavailable";
    default:
      return status < 500 ? "Other" : "Server Error";
  }
}

/// Writes head and body in one piece; false when the connection is dead.
bool write_answer(lws* wsi, const HttpAnswer& response, std::string_view more_headers,
                  bool head_only) {
  std::string text(LWS_PRE, '\0');
  fmt::format_to(std::back_inserter(text),
                 "HTTP/1.1 {} {}\r\ncontent-type: {}\r\ncontent-length: {}\r\n{}\r\n",
                 response.status, reason_of(response.status), response.content_type,
                 response.body.size(), more_headers);
  if (!head_only) text += response.body;
  return lws_write(wsi, reinterpret_cast<unsigned char*>(text.data()) + LWS_PRE,
                   text.size() - LWS_PRE, LWS_WRITE_HTTP_FINAL) >= 0;
}

std::string_view code_of(int status) {
  switch (status) {
    case 404:
      return "NOT_FOUND";
    case 413:
      return "TOO_LARGE";
    case 503:
      return "UNAVAILABLE";
    default:
      return "INVALID_ARGUMENT";
  }
}

HttpAnswer refusal(int status, std::string_view message) {
  return {status, "application/json",
          fmt::format(R"({{"code":"{}","message":"{}"}})", code_of(status), message)};
}

}  // namespace

/// An answer of the transport itself. For the upgrade callback: 1 = answered, the caller ends the
/// transaction.
int Transport::Impl::http_refuse(lws* wsi, int status, std::string_view message) {
  return write_answer(wsi, refusal(status, message), "connection: close\r\n", false) ? 1 : -1;
}

int Transport::Impl::http_begin(lws* wsi, std::string_view path) {
  const std::string_view method = method_of(wsi);
  const std::string length_text = header_of(wsi, WSI_TOKEN_HTTP_CONTENT_LENGTH);
  uint64_t length = 0;
  const auto [end, code] =
      std::from_chars(length_text.data(), length_text.data() + length_text.size(), length);
  const bool has_length = code == std::errc{} && end == length_text.data() + length_text.size();
  if (method.empty() || (!length_text.empty() && !has_length)) {
    http_refuse(wsi, 400, "Method or content-length is not understood.");
    return -1;
  }
  if (lws_hdr_total_length(wsi, WSI_TOKEN_HTTP_TRANSFER_ENCODING) > 0) {
    http_refuse(wsi, 411, "A body needs a content-length; chunked bodies are not accepted.");
    return -1;
  }
  if (length > options.http_body_bytes_max) {
    if (!write_answer(wsi, refusal(413, "The body is too large."), "", false)) return -1;
    return lws_http_transaction_completed(
        wsi);  // Reads the body away first, so that the answer arrives.
  }
  Exchange& exchange = exchanges.add();
  exchange.wsi = wsi;
  lws_set_opaque_user_data(wsi, static_cast<SocketOwner*>(&exchange));
  HttpCall& request = exchange.request;
  request.id = HttpId{exchange.id};
  request.method = method;
  request.path = path;
  request.query = header_of(wsi, WSI_TOKEN_HTTP_URI_ARGS, '&');
  request.authorization = header_of(wsi, WSI_TOKEN_HTTP_AUTHORIZATION);
  request.content_type = header_of(wsi, WSI_TOKEN_HTTP_CONTENT_TYPE);
  request.address = address_of(wsi);
  request.body.reserve(length);
  // Without a length there is no body. libwebsockets expects one all the same, and would take the
  // next request for it.
  exchange.last = !has_length && (method == "POST" || method == "PUT" || method == "PATCH");
  if (length == 0) http_dispatch(exchange);
  return 0;
}

void Transport::Impl::http_body(Exchange& exchange, std::string_view bytes) {
  if (!exchange.dispatched) exchange.request.body.append(bytes);
}

void Transport::Impl::http_dispatch(Exchange& exchange) {
  if (exchange.dispatched) return;
  exchange.dispatched = true;
  // The answer may take its time: no timeout of libwebsockets, and no reading of a pipelined
  // request before it.
  lws_set_timeout(exchange.wsi, NO_PENDING_TIMEOUT, 0);
  lws_rx_flow_control(exchange.wsi, 0);
  exchange.head_only = exchange.request.method == "HEAD";
  pending.calls.push_back(std::move(exchange.request));
}

void Transport::Impl::http_respond(Exchange& exchange, const HttpAnswer& response) {
  lws* wsi = exchange.wsi;
  const bool head_only = exchange.head_only, last = exchange.last;
  lws_set_opaque_user_data(wsi, nullptr);
  exchanges.remove(exchange);
  lws_rx_flow_control(wsi, 1);
  std::string more = response.status == 401 ? "www-authenticate: Bearer\r\n" : "";
  if (last) more += "connection: close\r\n";
  // Whatever is not written yet goes out before the end.
  if (!write_answer(wsi, response, more, head_only) || last ||
      lws_http_transaction_completed(wsi) != 0) {
    lws_set_timeout(wsi, PENDING_TIMEOUT_USER_OK, LWS_TO_KILL_SYNC);
  }
}

void Transport::respond(HttpId id, const HttpAnswer& response) {
  Exchange* exchange = impl_->exchanges.find(id.value);
  if (exchange != nullptr) impl_->http_respond(*exchange, response);
}

}  // namespace chat
