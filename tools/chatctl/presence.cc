#include <fmt/format.h>
#include <fmt/ranges.h>

#include "tools/chatctl/admin_client.h"
#include "tools/chatctl/chat_argument.h"
#include "tools/chatctl/verbs.h"

namespace chat::ctl {

Result<Answer> get_presence(AdminClient& admin, const Invocation& invocation) {
  for (const std::string& argument : invocation.arguments) {
    if (const auto id = parse_user_id(argument); !id) return id.error();
  }
  auto body = admin.get(
      fmt::format("/admin/v1/presence?user_ids={}", fmt::join(invocation.arguments, ",")));
  if (!body) return body.error();
  return Answer{std::move(*body),
                {.rows = "entries",
                 .columns = {{"USER ID", "user_id", Format::identifier},
                             {"STATE", "state", Format::enumerator},
                             {"LAST SEEN (UTC)", "last_seen_ms", Format::time_ms}},
                 .nothing = "no presence"}};
}

}  // namespace chat::ctl
