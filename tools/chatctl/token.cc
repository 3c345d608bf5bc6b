#include "tools/chatctl/admin_client.h"
#include "tools/chatctl/chat_argument.h"
#include "tools/chatctl/verbs.h"
#include "tools/common/quantity.h"

namespace chat::ctl {

Result<Answer> mint_tokens(AdminClient& admin, const Invocation& invocation) {
  boost::json::array user_ids;
  for (const std::string& argument : invocation.arguments) {
    const auto id = parse_user_id(argument);
    if (!id) return id.error();
    user_ids.push_back(*id);
  }
  const auto ttl = parse_duration(invocation.option("ttl"));
  if (!ttl) return make_error(ErrorCode::invalid_argument, "--ttl: " + ttl.error().text);
  if (*ttl < seconds(1)) {
    return make_error(ErrorCode::invalid_argument, "--ttl: at least 1s is needed");
  }
  auto body = admin.post("/admin/v1/tokens",
                         boost::json::object{{"user_ids", user_ids}, {"ttl_s", ttl->ms() / 1000}});
  if (!body) return body.error();
  return Answer{std::move(*body),
                {.rows = "tokens",
                 .columns = {{"USER ID", "user_id", Format::identifier}, {"TOKEN", "token"}}}};
}

}  // namespace chat::ctl
