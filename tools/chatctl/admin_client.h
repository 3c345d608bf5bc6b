// AdminClient: what chatctl asks the admin port of a chatd, as JSON in and out.
// It owns the HTTP client and turns every bad answer into an Error that says what to do next.
// Thread rule: one client per thread.
#pragma once

#include <boost/json/value.hpp>
#include <string>
#include <string_view>

#include "core/base/error.h"
#include "tools/http/http_client.h"

namespace chat::ctl {

/// A list that chatd answers page by page, each page with a cursor for the next one.
struct PagedList {
  std::string_view path;          ///< "/admin/v1/chats"
  std::string_view query = {};    ///< Further query parameters: "user=7".
  std::string_view items;         ///< The field with the entries, spelled as chatd answers it.
  std::string_view cursor;        ///< The field with the next cursor.
  bool is_cursor_a_chat = false;  ///< The answer has base64, the request wants hex.
};

class AdminClient {
 public:
  /// `url` is the root of an admin port, "http://127.0.0.1:4001".
  explicit AdminClient(std::string url);

  Result<boost::json::value> get(const std::string& path);
  Result<boost::json::value> put(const std::string& path, const boost::json::value& body);
  Result<boost::json::value> post(const std::string& path, const boost::json::value& body);
  /// Up to `limit` entries (0 = all) after the cursor `after`, which may be empty. The answer has
  /// the entries and, when there are more, the next cursor.
  Result<boost::json::value> list(const PagedList& list, std::string after, uint64_t limit);

  const std::string& url() const { return url_; }

 private:
  Result<boost::json::value> perform(HttpRequest request);

  std::string url_;
  HttpClient http_;
};

}  // namespace chat::ctl
