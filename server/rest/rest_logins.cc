// The routes of log-ins: what a user sees and ends of them.
#include "server/reactor/clock.h"
#include "server/rest/json_body.h"
#include "server/rest/logins_json.h"
#include "server/rest/rest_api.h"
#include "server/rest/rest_call.h"

namespace chat {
namespace {

HttpAnswer ended_answer(const Status& ended) {
  return ended ? HttpAnswer{200, "application/json", "{}"} : error_answer(ended.error());
}

}  // namespace

void RestApi::log_out(Call& call) {
  if (!call.user.login) {
    return call.refuse(make_error(ErrorCode::invalid_argument,
                                  "this token was made by the operator and belongs to no log-in"));
  }
  run_job(call, [this, user = call.user] {
    return ended_answer(options_.accounts.end_login(user.user, user.login, wall_now()));
  });
}

void RestApi::list_logins(Call& call) {
  run_job(call, [this, user = call.user] {
    return logins_answer(options_.accounts.logins(user.user, wall_now()), user.login);
  });
}

void RestApi::end_login(Call& call) {
  const auto login = login_id_of(path_parts(call.http.path)[2]);
  if (!login) return call.refuse(login.error());
  run_job(call, [this, user = call.user.user, id = *login] {
    return ended_answer(options_.accounts.end_login(user, id, wall_now()));
  });
}

void RestApi::end_other_logins(Call& call) {
  run_job(call, [this, user = call.user] {
    const auto ended = options_.accounts.end_other_logins(user.user, user.login, wall_now());
    return ended_answer(ended ? Status() : Status(ended.error()));
  });
}

}  // namespace chat
