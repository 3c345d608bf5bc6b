#include <fmt/format.h>

#include "tools/chatctl/admin_client.h"
#include "tools/chatctl/chat_argument.h"
#include "tools/chatctl/limit.h"
#include "tools/chatctl/verbs.h"
#include "tools/common/quantity.h"

namespace chat::ctl {
namespace {

View session_view() {
  return {.rows = "sessions",
          .columns = {{"ENGINE", "engine", Format::identifier},
                      {"CONN", "conn", Format::identifier},
                      {"USER ID", "user_id", Format::identifier},
                      {"DEVICE", "device_id", Format::text, true},
                      {"STATE", "state", Format::enumerator},
                      {"ACKED", "acked_through", Format::count},
                      {"PUSHED", "pushed_through", Format::count},
                      {"QUEUED", "queued_bytes", Format::bytes},
                      {"CONNECTED (UTC)", "connected_ms", Format::time_ms}},
          .nothing = "no sessions"};
}

}  // namespace

Result<Answer> list_sessions(AdminClient& admin, const Invocation& invocation) {
  const auto limit = parse_limit(invocation);
  if (!limit) return limit.error();
  std::string query;
  if (const auto user = invocation.option("user"); !user.empty()) {
    const auto id = parse_user_id(user);
    if (!id) return id.error();
    query = "user=" + std::to_string(*id);
  }
  auto body = admin.list({.path = "/admin/v1/sessions",
                          .query = query,
                          .items = "sessions",
                          .cursor = "nextAfterConn"},
                         "", *limit);
  if (!body) return body.error();
  return Answer{std::move(*body), session_view()};
}

Result<Answer> close_session(AdminClient& admin, const Invocation& invocation) {
  auto body = admin.post(
      "/admin/v1/sessions/close",
      boost::json::object{{"engine", invocation.arguments[0]}, {"conn", invocation.arguments[1]}});
  if (!body) return body.error();
  return Answer{std::move(*body), session_view()};
}

Result<Answer> drain(AdminClient& admin, const Invocation& invocation) {
  boost::json::object order;
  for (const auto& [option, member] :
       {std::pair("window", "window_s"), std::pair("reconnect-after", "reconnect_after_s")}) {
    const std::string text(invocation.option(option));
    const auto duration = parse_duration(text);
    if (!duration || duration->ns < 0 || duration->ns % seconds(1).ns != 0) {
      return make_error(
          ErrorCode::invalid_argument,
          fmt::format("--{}: expected whole seconds, such as 10s or 2m, got \"{}\"", option, text));
    }
    order[member] = duration->ns / seconds(1).ns;
  }
  if (const auto url = invocation.option("url"); !url.empty()) order["url"] = url;
  auto body = admin.post("/admin/v1/drain", order);
  if (!body) return body.error();
  return Answer{std::move(*body),
                {.columns = {{"DRAINING", "draining", Format::yes_no},
                             {"CONNECTIONS", "connections", Format::count}}}};
}

}  // namespace chat::ctl
