#include "tools/chatctl/admin_client.h"
#include "tools/chatctl/verbs.h"

namespace chat::ctl {
namespace {

std::string path_of(const Invocation& invocation, const char* what) {
  return "/admin/v1/users/" + HttpClient::escape(invocation.arguments[0]) + what;
}

}  // namespace

Result<Answer> list_logins(AdminClient& admin, const Invocation& invocation) {
  auto body = admin.get(path_of(invocation, "/logins"));
  if (!body) return body.error();
  return Answer{std::move(*body),
                {.rows = "logins",
                 .columns = {{"LOGIN", "login_id", Format::identifier},
                             {"CREATED (UTC)", "created_ms", Format::time_ms},
                             {"LAST USED (UTC)", "last_used_ms", Format::time_ms}},
                 .nothing = "no log-ins"}};
}

Result<Answer> log_out(AdminClient& admin, const Invocation& invocation) {
  boost::json::object which;
  if (invocation.arguments.size() > 1) which["login_id"] = invocation.arguments[1];
  auto body = admin.post(path_of(invocation, "/logout"), which);
  if (!body) return body.error();
  return Answer{std::move(*body), {.columns = {{"ENDED", "logins_ended", Format::count}}}};
}

}  // namespace chat::ctl
