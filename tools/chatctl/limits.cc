#include "tools/chatctl/admin_client.h"
#include "tools/chatctl/verbs.h"

namespace chat::ctl {
namespace {

constexpr const char* kPath = "/admin/v1/limits";

Answer answer_of(boost::json::value body) {
  return {
      std::move(body),
      {.columns = {{"presence_mode", "presence_mode"},
                   {"group_members_max", "group_members_max", Format::count},
                   {"room_members_max", "room_members_max", Format::count},
                   {"sends_per_second_user", "sends_per_second_user", Format::count_or_none},
                   {"sends_per_second_address", "sends_per_second_address", Format::count_or_none},
                   {"sends_per_second_chat", "sends_per_second_chat", Format::count_or_none},
                   {"frames_per_second", "frames_per_second", Format::count_or_none},
                   {"accepts_per_second", "accepts_per_second", Format::count_or_none},
                   {"attachments_allowed", "attachments_allowed", Format::yes_no},
                   {"trusted_sources", "trusted_sources"}}}};
}

}  // namespace

Result<Answer> show_limits(AdminClient& admin, const Invocation&) {
  auto body = admin.get(kPath);
  if (!body) return body.error();
  return answer_of(std::move(*body));
}

Result<Answer> set_limits(AdminClient& admin, const Invocation& invocation) {
  boost::json::object change;
  for (const std::string& argument : invocation.arguments) {
    const size_t equals = argument.find('=');
    if (equals == std::string::npos || equals == 0) {
      return make_error(ErrorCode::invalid_argument,
                        "\"" + argument + "\": a limit is set by NAME=VALUE");
    }
    change[argument.substr(0, equals)] = argument.substr(equals + 1);
  }
  auto body = admin.put(kPath, change);
  if (!body) return body.error();
  return answer_of(std::move(*body));
}

}  // namespace chat::ctl
