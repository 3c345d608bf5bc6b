// The routes by which an operator ends what is connected: log-ins, sessions, everything.
#include <fmt/format.h>

#include "core/wire/chat.pb.h"
#include "server/admin/admin_api.h"
#include "server/admin/bridge.h"
#include "server/admin/json_members.h"
#include "server/reactor/clock.h"
#include "server/rest/json_body.h"
#include "server/rest/logins_json.h"

namespace chat::admin {
namespace {

constexpr uint64_t kDrainSecondsMax = 24 * 3600;

}  // namespace

AdminApi::Answer AdminApi::list_logins(const Call& call) {
  const std::string key(path_parts(call.path)[3]);
  std::function<Result<std::vector<Login>>()> job = [this, &key]() -> Result<std::vector<Login>> {
    const auto account = services_.accounts.find_by_key(key);
    if (!account) return account.error();
    return services_.accounts.logins(account->user, wall_now());
  };
  const auto logins = co_await run_job<std::vector<Login>>(services_.pool, std::move(job));
  co_return logins_answer(logins);
}

/// Ends one log-in, or all with every token that was made for the user up to now.
AdminApi::Answer AdminApi::log_out(const Call& call) {
  const auto object = object_of(call.body);
  if (!object) co_return error_answer(object.error());
  const auto login = text_member(*object, "login_id");
  if (!login) co_return error_answer(login.error());
  const std::string key(path_parts(call.path)[3]);
  std::function<Result<uint64_t>()> job = [this, &key, &login]() -> Result<uint64_t> {
    const auto account = services_.accounts.find_by_key(key);
    if (!account) return account.error();
    if (login->empty()) return services_.accounts.end_all_logins(account->user, wall_now());
    const auto id = login_id_of(*login);
    if (!id) return id.error();
    const Status ended = services_.accounts.end_login(account->user, *id, wall_now());
    return ended ? Result<uint64_t>(1) : Result<uint64_t>(ended.error());
  };
  const auto ended = co_await run_job<uint64_t>(services_.pool, std::move(job));
  if (!ended) co_return error_answer(ended.error());
  co_return HttpAnswer{200, "application/json", fmt::format(R"({{"logins_ended":{}}})", *ended)};
}

AdminApi::Answer AdminApi::close_session(const Call& call) {
  auto request = std::make_shared<v1::Request>();
  v1::CloseSession& close = *request->mutable_close_session();
  if (const Status parsed = parse_json(call.body, close); !parsed) {
    co_return error_answer(parsed.error());
  }
  // Engines are numbered from 1 in the order of their reactors.
  if (close.engine() == 0 || close.engine() > services_.reactors.size()) {
    co_return error_answer(
        make_error(ErrorCode::not_found, fmt::format("there is no engine {}", close.engine())));
  }
  Reactor& reactor = services_.reactors.at(close.engine() - 1);
  const SharedResponse response = co_await ask_engine(reactor, std::move(request));
  co_return response_answer(*response);
}

AdminApi::Answer AdminApi::drain(const Call& call) {
  const auto object = object_of(call.body);
  if (!object) co_return error_answer(object.error());
  const auto window = number_member(*object, "window_s", 5, kDrainSecondsMax),
             after = number_member(*object, "reconnect_after_s", 0, kDrainSecondsMax);
  const auto url = text_member(*object, "url");
  if (!window) co_return error_answer(window.error());
  if (!after) co_return error_answer(after.error());
  if (!url) co_return error_answer(url.error());
  services_.drain({.window = seconds(static_cast<int64_t>(*window)),
                   .reconnect_after = seconds(static_cast<int64_t>(*after)),
                   .url = *url});
  uint64_t connections = 0;
  for (size_t i = 0; i < services_.reactors.size(); ++i) {
    connections += services_.reactors.at(i).stats().websockets;
  }
  co_return HttpAnswer{200, "application/json",
                       fmt::format(R"({{"draining":true,"connections":{}}})", connections)};
}

}  // namespace chat::admin
