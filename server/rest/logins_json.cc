#include "server/rest/logins_json.h"

#include <charconv>

#include "core/wire/chat.pb.h"
#include "server/rest/json_body.h"

namespace chat {

HttpAnswer logins_answer(const Result<std::vector<Login>>& logins, LoginId current) {
  if (!logins) return error_answer(logins.error());
  v1::LoginList list;
  for (const Login& login : *logins) {
    v1::LoginInfo& info = *list.add_logins();
    info.set_login_id(std::to_string(login.login.value));
    info.set_created_ms(login.created.ms);
    info.set_last_used_ms(login.last_used.ms);
    info.set_current(login.login == current);
  }
  return json_answer(list);
}

Result<LoginId> login_id_of(std::string_view text) {
  uint64_t id = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), id);
  if (parsed.ec != std::errc() || parsed.ptr != text.data() + text.size() || id == 0 ||
      id > kUserIdMax) {
    return make_error(ErrorCode::not_found, "there is no log-in \"" + std::string(text) + "\"");
  }
  return LoginId{id};
}

}  // namespace chat
