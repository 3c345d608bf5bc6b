#include "sim/live/admin_client.h"

#include <google/protobuf/util/json_util.h>

#include <boost/json.hpp>
#include <utility>

#include "core/wire/chat.pb.h"

namespace chat::sim {
namespace {

namespace json = boost::json;

constexpr uint32_t kPageEvents = 200;

/// A path into a JSON value of unknown shape; null when it is not there.
const json::value& at(const json::value& value, std::string_view key) {
  static const json::value kNull;
  const auto* object = value.if_object();
  const auto* found = object == nullptr ? nullptr : object->if_contains(key);
  return found == nullptr ? kNull : *found;
}

double number(const json::value& value) {
  return value.is_number() ? value.to_number<double>() : 0;
}

Error refused(const std::string& what, const HttpResponse& response) {
  boost::system::error_code code;
  const json::value body = json::parse(response.body, code);
  const json::value& message = at(body, "message");
  const std::string text =
      message.is_string() ? std::string(message.get_string()) : response.body.substr(0, 200);
  const ErrorCode kind = response.status >= 500 || response.status == 429
                             ? ErrorCode::unavailable
                             : ErrorCode::invalid_argument;
  return make_error(kind, what + ": HTTP " + std::to_string(response.status) + " " + text);
}

}  // namespace

Result<std::optional<std::string>> AdminClient::get(const std::string& path) {
  auto response = http_.exchange({.target = path});
  if (!response) return response.error();
  if (response->status == 404) return std::optional<std::string>();
  if (response->status != 200) return refused("GET " + path, *response);
  return std::optional<std::string>(std::move(response->body));
}

Result<ServerStatus> AdminClient::status() {
  const auto body = get("/admin/v1/status");
  if (!body) return body.error();
  boost::system::error_code code;
  const json::value value = json::parse(body->value_or(""), code);
  if (code || !value.is_object()) {
    return make_error(ErrorCode::unavailable,
                      http_.endpoint().authority() + ": this is not the admin port of chatd");
  }
  ServerStatus status;
  if (at(value, "version").is_string()) status.version = at(value, "version").get_string();
  const json::value& process = at(value, "process");
  status.pid = static_cast<int64_t>(number(at(process, "pid")));
  status.cpu_s = number(at(process, "cpu_s"));
  status.rss_bytes = static_cast<uint64_t>(number(at(process, "rss_bytes")));
  return status;
}

Result<std::string> AdminClient::trusted_sources() {
  const auto body = get("/admin/v1/limits");
  if (!body) return body.error();
  boost::system::error_code code;
  const json::value value = json::parse(body->value_or(""), code);
  const auto* sources = at(value, "trusted_sources").if_array();
  std::string text;
  for (const json::value& source : sources == nullptr ? json::array() : *sources) {
    if (source.is_string()) text += (text.empty() ? "" : ",") + std::string(source.get_string());
  }
  return text;
}

Result<ImportAnswer> AdminClient::import(std::string lines) {
  const auto response = http_.exchange({.method = "POST",
                                        .target = "/admin/v1/import",
                                        .body = std::move(lines),
                                        .content_type = "application/x-ndjson"});
  if (!response) return response.error();
  if (response->status != 200 && response->status != 422) return refused("import", *response);
  boost::system::error_code code;
  const json::value value = json::parse(response->body, code);
  if (code) return make_error(ErrorCode::corrupt, "import: " + code.message());
  if (const auto* errors = at(value, "errors").if_array(); errors != nullptr && !errors->empty()) {
    return make_error(ErrorCode::invalid_argument, "import: " + json::serialize((*errors)[0]));
  }
  const auto count = [&](const char* key) { return static_cast<uint64_t>(number(at(value, key))); };
  return ImportAnswer{.users = count("users"),
                      .chats = count("chats"),
                      .members = count("members"),
                      .skipped = count("skipped")};
}

Result<std::vector<std::string>> AdminClient::tokens(std::span<const UserId> users, Duration ttl) {
  json::array ids;
  for (const UserId user : users) ids.push_back(user.value);
  const json::object ask{{"user_ids", std::move(ids)},
                         {"ttl_s", static_cast<int64_t>(ttl.seconds())}};
  const auto response = http_.exchange(
      {.method = "POST", .target = "/admin/v1/tokens", .body = json::serialize(ask)});
  if (!response) return response.error();
  if (response->status != 200) return refused("tokens", *response);
  boost::system::error_code code;
  const json::value value = json::parse(response->body, code);
  const auto* list = at(value, "tokens").if_array();
  if (code || list == nullptr || list->size() != users.size()) {
    return make_error(ErrorCode::corrupt, "tokens: not one token per user in the answer");
  }
  std::vector<std::string> tokens;
  tokens.reserve(users.size());
  for (const json::value& entry : *list) {
    const json::value& token = at(entry, "token");
    if (!token.is_string()) return make_error(ErrorCode::corrupt, "tokens: a token is missing");
    tokens.emplace_back(token.get_string());
  }
  return tokens;
}

Result<std::optional<ChatHead>> AdminClient::chat_head(const ChatId& chat) {
  const auto body = get("/admin/v1/chats/" + chat.hex());
  if (!body) return body.error();
  if (!*body) return std::optional<ChatHead>();
  v1::ChatInfo info;
  if (!google::protobuf::util::JsonStringToMessage(**body, &info).ok()) {
    return make_error(ErrorCode::corrupt, "chat " + chat.hex() + ": the answer does not decode");
  }
  return std::optional(
      ChatHead{.last_seq = info.chat().last_seq(), .fanned_seq = info.fanned_seq()});
}

Result<bool> AdminClient::read_log(const ChatId& chat,
                                   const std::function<void(const v1::Event&)>& each) {
  uint64_t after = 0;
  for (;;) {
    const auto body =
        get("/admin/v1/chats/" + chat.hex() + "/events?after_seq=" + std::to_string(after) +
            "&limit=" + std::to_string(kPageEvents));
    if (!body) return body.error();
    if (!*body) return false;
    v1::HistoryPage page;
    if (!google::protobuf::util::JsonStringToMessage(**body, &page).ok()) {
      return make_error(ErrorCode::corrupt, "chat " + chat.hex() + ": a page does not decode");
    }
    for (const v1::Event& event : page.events()) {
      each(event);
      after = event.seq();
    }
    if (page.complete()) return true;
    if (page.events().empty()) {
      return make_error(ErrorCode::corrupt, "chat " + chat.hex() + ": a page without progress");
    }
  }
}

}  // namespace chat::sim
