#include "tools/chatctl/admin_client.h"

#include <fmt/format.h>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <utility>

#include "tools/chatctl/chat_argument.h"
#include "tools/chatctl/view.h"

namespace chat::ctl {
namespace {

constexpr uint64_t kPageMax = 500;

ErrorCode code_of_status(int status) {
  switch (status) {
    case 400:
    case 422:
      return ErrorCode::invalid_argument;
    case 401:
      return ErrorCode::unauthenticated;
    case 403:
      return ErrorCode::permission_denied;
    case 404:
      return ErrorCode::not_found;
    case 409:
      return ErrorCode::already_exists;
    case 413:
      return ErrorCode::too_large;
    case 429:
      return ErrorCode::rate_limited;
    case 502:
    case 503:
    case 504:
      return ErrorCode::unavailable;
    default:
      return ErrorCode::internal;
  }
}

std::string advice_for(ErrorCode code) {
  switch (code) {
    case ErrorCode::unauthenticated:
    case ErrorCode::permission_denied:
      return " (is this the admin port of chatd?)";
    case ErrorCode::unavailable:
      return " (try again; `chatctl status` shows whether it is ready)";
    case ErrorCode::internal:
      return " (the log of chatd tells more)";
    default:
      return "";
  }
}

/// The Error that an HTTP answer other than 2xx stands for; its body is a v1.Error, mostly.
Error error_of(const HttpResponse& response, const std::string& url) {
  boost::json::error_code no_json;
  const boost::json::value body = boost::json::parse(response.body, no_json);
  std::string message = no_json ? std::string() : text_of(find_field(body, "message"));
  if (message.empty()) message = fmt::format("{} answered HTTP {}", url, response.status);
  const ErrorCode code = code_of_status(response.status);
  return make_error(code, message + advice_for(code));
}

}  // namespace

AdminClient::AdminClient(std::string url) : url_(std::move(url)) {
  while (url_.ends_with('/')) url_.pop_back();
}

Result<boost::json::value> AdminClient::get(const std::string& path) {
  return perform({.url = url_ + path});
}

Result<boost::json::value> AdminClient::post(const std::string& path,
                                             const boost::json::value& body) {
  return perform({.method = "POST", .url = url_ + path, .body = boost::json::serialize(body)});
}

Result<boost::json::value> AdminClient::put(const std::string& path,
                                            const boost::json::value& body) {
  return perform({.method = "PUT", .url = url_ + path, .body = boost::json::serialize(body)});
}

Result<boost::json::value> AdminClient::perform(HttpRequest request) {
  const auto response = http_.perform(request);
  if (!response) {
    Error error = response.error();
    if (error.code == ErrorCode::unavailable) {
      error.text = "no answer from chatd at " + error.text +
                   " (is it running, and is this its admin port? Its ready file tells)";
    }
    return error;
  }
  if (response->status < 200 || response->status > 299) return error_of(*response, request.url);
  boost::json::error_code no_json;
  boost::json::value body = boost::json::parse(response->body, no_json);
  if (no_json) {
    return make_error(ErrorCode::corrupt,
                      request.url + " did not answer with JSON (is this chatd's admin port?)");
  }
  return body;
}

Result<boost::json::value> AdminClient::list(const PagedList& list, std::string after,
                                             uint64_t limit) {
  boost::json::array items;
  while (true) {
    const uint64_t wanted = limit == 0 ? kPageMax : std::min(limit - items.size(), kPageMax);
    std::string path = fmt::format("{}?limit={}", list.path, wanted);
    if (!after.empty()) path += "&after=" + HttpClient::escape(after);
    if (!list.query.empty()) path += fmt::format("&{}", list.query);
    auto page = get(path);
    if (!page) return page.error();
    const boost::json::value* const entries = find_field(*page, list.items);
    if (entries && entries->is_array()) {
      for (const auto& entry : entries->get_array()) items.push_back(entry);
    }
    // A page may be empty and not the last one: chatd filters after it has cut the page.
    const boost::json::value* const cursor = find_field(*page, list.cursor);
    const std::string cursor_text = text_of(cursor);
    const bool is_last = cursor_text.empty() || cursor_text == "0";
    const boost::json::value next = is_last ? boost::json::value() : *cursor;
    const std::string next_after = list.is_cursor_a_chat ? hex_of_base64(cursor_text) : cursor_text;
    if (!is_last && next_after == after) {
      return make_error(ErrorCode::corrupt, url_ + path + " answers the same page again and again");
    }
    after = next_after;
    if (is_last || (limit != 0 && items.size() >= limit)) {
      boost::json::object result;
      result[list.items] = std::move(items);
      if (!is_last) result[list.cursor] = next;
      return boost::json::value(std::move(result));
    }
  }
}

}  // namespace chat::ctl
