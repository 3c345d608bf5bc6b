#include "tools/chatctl/admin_client.h"
#include "tools/chatctl/chat_argument.h"
#include "tools/chatctl/limit.h"
#include "tools/chatctl/verbs.h"

namespace chat::ctl {

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
  return Answer{std::move(*body),
                {.rows = "sessions",
                 .columns = {{"USER ID", "user_id", Format::identifier},
                             {"DEVICE", "device_id", Format::text, true},
                             {"CLIENT", "client", Format::text, true},
                             {"STATE", "state", Format::enumerator},
                             {"ACKED", "acked_through", Format::count},
                             {"PUSHED", "pushed_through", Format::count},
                             {"QUEUED", "queued_bytes", Format::bytes},
                             {"CONNECTED (UTC)", "connected_ms", Format::time_ms}},
                 .nothing = "no sessions"}};
}

}  // namespace chat::ctl
