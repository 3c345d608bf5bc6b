#include "server/rest/rest_api.h"

#include <fmt/format.h>

#include "core/wire/chat.pb.h"
#include "server/reactor/clock.h"
#include "server/rest/json_body.h"
#include "server/rest/query.h"
#include "server/rest/rest_call.h"

namespace chat {
namespace {

constexpr uint64_t kListLimit = 100;
constexpr uint64_t kListLimitMax = 500;
constexpr std::string_view kBearer = "Bearer ";

HttpAnswer account_answer(const Result<Account>& account) {
  if (!account) return error_answer(account.error());
  v1::Account body;
  body.set_user_id(account->user.value);
  body.set_email(account->email);
  body.set_user_name(account->user_name);
  body.set_created_ms(account->created.ms);
  return json_answer(body);
}

}  // namespace

struct RestApi::Route {
  std::string_view method;
  /// The first "*" stands for a chat id, the second one for a seq; "+" for any one part; "?" for
  /// all of the rest, which may have slashes.
  std::string_view path;
  Handler handler;
  bool needs_user;
};

const RestApi::Route* RestApi::find_route(const HttpCall& call, bool& path_is_known) {
  static const Route routes[] = {
      {"GET", "/healthz", &RestApi::health, false},
      {"GET", "/readyz", &RestApi::readiness, false},
      {"POST", "/v1/accounts", &RestApi::sign_up, false},
      {"POST", "/v1/login", &RestApi::log_in, false},
      {"POST", "/v1/refresh", &RestApi::refresh, false},
      {"POST", "/v1/logout", &RestApi::log_out, true},
      {"GET", "/v1/logins", &RestApi::list_logins, true},
      {"DELETE", "/v1/logins", &RestApi::end_other_logins, true},
      {"DELETE", "/v1/logins/+", &RestApi::end_login, true},
      {"GET", "/v1/me", &RestApi::show_me, true},
      {"PATCH", "/v1/me", &RestApi::rename_me, true},
      {"POST", "/v1/chats", &RestApi::create_chat, true},
      {"GET", "/v1/chats", &RestApi::list_chats, true},
      {"GET", "/v1/chats/*", &RestApi::show_chat, true},
      {"PATCH", "/v1/chats/*", &RestApi::update_chat, true},
      {"DELETE", "/v1/chats/*", &RestApi::delete_chat, true},
      {"POST", "/v1/chats/*/members", &RestApi::change_members, true},
      {"POST", "/v1/chats/*/messages", &RestApi::send_to_chat, true},
      {"GET", "/v1/chats/*/messages", &RestApi::history, true},
      {"PATCH", "/v1/chats/*/messages/*", &RestApi::edit, true},
      {"DELETE", "/v1/chats/*/messages/*", &RestApi::delete_message, true},
      {"POST", "/v1/chats/*/messages/*/reactions", &RestApi::react, true},
      {"DELETE", "/v1/chats/*/messages/*/reactions", &RestApi::take_back_reaction, true},
      {"POST", "/v1/chats/*/read", &RestApi::read, true},
      {"GET", "/v1/chats/*/receipts", &RestApi::receipts, true},
      {"GET", "/v1/devices", &RestApi::list_devices, true},
      {"DELETE", "/v1/devices/?", &RestApi::forget_device, true},
      {"POST", "/v1/messages", &RestApi::send, true},
      {"GET", "/v1/messages", &RestApi::list_authored, true},
  };
  path_is_known = false;
  for (const Route& route : routes) {
    if (!matches(route, call.path)) continue;
    path_is_known = true;
    if (route.method == call.method || (route.method == "GET" && call.method == "HEAD")) {
      return &route;
    }
  }
  return nullptr;
}

bool RestApi::matches(const Route& route, std::string_view path) {
  if (route.path.ends_with('?')) {
    const std::string_view begin = route.path.substr(0, route.path.size() - 1);
    return path.starts_with(begin) && path.size() > begin.size();
  }
  const auto wanted = path_parts(route.path), parts = path_parts(path);
  if (wanted.size() != parts.size()) return false;
  for (size_t i = 0; i < wanted.size(); ++i) {
    if (wanted[i] != "*" && wanted[i] != "+" && wanted[i] != parts[i]) return false;
  }
  return true;
}

/// Who asks, and about which chat.
Status RestApi::prepare(const Route& route, Call& call) const {
  if (route.needs_user) {
    const std::string& header = call.http.authorization;
    if (header.compare(0, kBearer.size(), kBearer) != 0) {
      return make_error(ErrorCode::unauthenticated,
                        "expected the header \"Authorization: Bearer ACCESS_TOKEN\"");
    }
    auto identity = options_.tokens.verify(header.substr(kBearer.size()), wall_now());
    if (!identity) return identity.error();
    call.user = std::move(*identity);
  }
  if (route.path.find('*') != std::string_view::npos) {
    const auto parts = path_parts(call.http.path);
    const auto chat = chat_of_path(parts[2]);
    if (!chat) return chat.error();
    call.chat = *chat;
    if (route.path.find('*') == route.path.rfind('*')) return {};
    const auto seq = seq_of_path(parts[4]);
    if (!seq) return seq.error();
    call.seq = *seq;
  }
  return {};
}

void RestApi::handle(Reactor& reactor, HttpCall http) {
  const std::string query = http.query;
  Call call{reactor, std::move(http), Query(query)};
  bool path_is_known = false;
  const Route* route = find_route(call.http, path_is_known);
  if (route == nullptr) {
    if (path_is_known) {
      v1::Error error;
      error.set_code(v1::UNIMPLEMENTED);
      error.set_message(fmt::format("{} does not take {}", call.http.path, call.http.method));
      return call.answer({405, "application/json", to_json(error)});
    }
    return call.refuse(
        make_error(ErrorCode::not_found, fmt::format("there is nothing at {}", call.http.path)));
  }
  if (const Status prepared = prepare(*route, call); !prepared) {
    return call.refuse(prepared.error());
  }
  (this->*route->handler)(call);
}

void RestApi::ask_engine(Call& call, std::shared_ptr<v1::Request> request) {
  call.reactor.submit_request(
      std::move(request),
      [&reactor = call.reactor, id = call.http.id](std::shared_ptr<const v1::Response> response) {
        reactor.respond(id, response_answer(*response));
      });
}

void RestApi::run_job(Call& call, std::function<HttpAnswer()> job) {
  const Status queued =
      options_.pool.submit([&reactor = call.reactor, id = call.http.id, job = std::move(job)] {
        reactor.post([&reactor, id, answer = job()] { reactor.respond(id, answer); });
      });
  if (!queued) call.refuse(queued.error());
}

// ---------------------------------------------------------------- health

void RestApi::health(Call& call) { call.answer({200, "application/json", R"({"status":"ok"})"}); }

void RestApi::readiness(Call& call) {
  const bool ready = options_.ready;
  call.answer(
      {ready ? 200 : 503, "application/json", ready ? R"({"ready":true})" : R"({"ready":false})"});
}

// ---------------------------------------------------------------- accounts

/// The Tokens of somebody who has just proved who he is.
HttpAnswer RestApi::grant(const Result<LoginGrant>& login) const {
  if (!login) return error_answer(login.error());
  const Account& account = login->account;
  const auto access = options_.tokens.mint(account.user, account.user_name, wall_now(),
                                           options_.access_token_ttl, login->login);
  if (!access) return error_answer(access.error());
  v1::Tokens tokens;
  tokens.set_user_id(account.user.value);
  tokens.set_access_token(*access);
  tokens.set_expires_in_s(options_.access_token_ttl.ns / seconds(1).ns);
  tokens.set_refresh_token(login->refresh_token);
  return json_answer(tokens);
}

void RestApi::sign_up(Call& call) {
  v1::SignUp body;
  if (!call.body(body)) return;
  if (body.email().empty() || body.password().empty()) {
    return call.refuse(
        make_error(ErrorCode::invalid_argument, "an account needs email, password and userName"));
  }
  run_job(call, [this, body] {
    const auto account = options_.accounts.create(
        {.user_name = body.user_name(), .email = body.email(), .password = body.password()},
        wall_now());
    if (!account) return error_answer(account.error());
    return grant(options_.accounts.open_login(account->user, wall_now()));
  });
}

void RestApi::log_in(Call& call) {
  v1::LogIn body;
  if (!call.body(body)) return;
  run_job(call, [this, body] {
    const auto account = options_.accounts.log_in(body.email(), body.password());
    if (!account) return error_answer(account.error());
    return grant(options_.accounts.open_login(account->user, wall_now()));
  });
}

void RestApi::refresh(Call& call) {
  v1::Refresh body;
  if (!call.body(body)) return;
  run_job(call, [this, body] {
    return grant(options_.accounts.renew_login(body.refresh_token(), wall_now()));
  });
}

void RestApi::show_me(Call& call) {
  run_job(call,
          [this, user = call.user.user] { return account_answer(options_.accounts.find(user)); });
}

void RestApi::rename_me(Call& call) {
  v1::UpdateAccount body;
  if (!call.body(body)) return;
  run_job(call, [this, user = call.user.user, body] {
    return account_answer(options_.accounts.rename(user, body.user_name()));
  });
}

// ---------------------------------------------------------------- chats

void RestApi::create_chat(Call& call) {
  auto request = call.request();
  if (!call.body(*request->mutable_create_chat())) return;
  request->mutable_create_chat()->clear_chat_id();  // Fixed ids are for imports.
  ask_engine(call, std::move(request));
}

void RestApi::list_chats(Call& call) {
  auto request = call.request();
  v1::ListChats& list = *request->mutable_list_chats();
  const auto after = call.query.chat("after");
  if (!after) return call.refuse(after.error());
  const auto limit = call.query.number("limit", kListLimit, kListLimitMax);
  if (!limit) return call.refuse(limit.error());
  if (*after) list.set_after_chat_id((*after)->str());
  list.set_limit(static_cast<uint32_t>(*limit));
  ask_engine(call, std::move(request));
}

void RestApi::show_chat(Call& call) {
  auto request = call.request();
  request->mutable_get_chat()->set_chat_id(call.chat.str());
  ask_engine(call, std::move(request));
}

void RestApi::update_chat(Call& call) {
  auto request = call.request();
  if (!call.body(*request->mutable_update_chat())) return;
  request->mutable_update_chat()->set_chat_id(call.chat.str());
  ask_engine(call, std::move(request));
}

void RestApi::delete_chat(Call& call) {
  auto request = call.request();
  const auto op_id = call.op_id();
  if (!op_id) return;
  request->mutable_delete_chat()->set_client_op_id(*op_id);
  request->mutable_delete_chat()->set_chat_id(call.chat.str());
  ask_engine(call, std::move(request));
}

void RestApi::change_members(Call& call) {
  auto request = call.request();
  if (!call.body(*request->mutable_change_members())) return;
  request->mutable_change_members()->set_chat_id(call.chat.str());
  ask_engine(call, std::move(request));
}

void RestApi::send(Call& call) {
  auto request = call.request();
  if (!call.body(*request->mutable_send())) return;
  ask_engine(call, std::move(request));
}

void RestApi::send_to_chat(Call& call) {
  auto request = call.request();
  if (!call.body(*request->mutable_send())) return;
  request->mutable_send()->set_chat_id(call.chat.str());
  ask_engine(call, std::move(request));
}

void RestApi::history(Call& call) {
  auto request = call.request();
  v1::History& history = *request->mutable_history();
  history.set_chat_id(call.chat.str());
  const auto before = call.query.number("before_seq", 0);
  if (!before) return call.refuse(before.error());
  const auto after = call.query.number("after_seq", 0);
  if (!after) return call.refuse(after.error());
  const auto limit = call.query.number("limit", kListLimit, kListLimitMax);
  if (!limit) return call.refuse(limit.error());
  // Seqs are dense: what comes after so many events comes after this seq.
  const auto offset = call.query.number("offset", *after);
  if (!offset) return call.refuse(offset.error());
  history.set_before_seq(*before);
  history.set_after_seq(*offset);
  history.set_forward(call.query.find("after_seq") || call.query.find("offset"));
  history.set_limit(static_cast<uint32_t>(*limit));
  ask_engine(call, std::move(request));
}

void RestApi::edit(Call& call) {
  auto request = call.request();
  v1::Edit& edit = *request->mutable_edit();
  if (!call.body(edit)) return;
  edit.set_chat_id(call.chat.str());
  edit.set_target_seq(call.seq);
  ask_engine(call, std::move(request));
}

void RestApi::delete_message(Call& call) {
  auto request = call.request();
  v1::Delete& deletion = *request->mutable_delete_message();
  const auto op_id = call.op_id();
  if (!op_id) return;
  deletion.set_client_op_id(*op_id);
  deletion.set_chat_id(call.chat.str());
  deletion.set_target_seq(call.seq);
  ask_engine(call, std::move(request));
}

void RestApi::react(Call& call) {
  auto request = call.request();
  v1::React& react = *request->mutable_react();
  if (!call.body(react)) return;
  react.set_chat_id(call.chat.str());
  react.set_target_seq(call.seq);
  react.set_remove(false);
  ask_engine(call, std::move(request));
}

void RestApi::take_back_reaction(Call& call) {
  auto request = call.request();
  v1::React& react = *request->mutable_react();
  const auto op_id = call.op_id();
  if (!op_id) return;
  const auto reaction = call.query.text("reaction");
  if (!reaction) return call.refuse(reaction.error());
  react.set_client_op_id(*op_id);
  react.set_reaction(*reaction);
  react.set_chat_id(call.chat.str());
  react.set_target_seq(call.seq);
  react.set_remove(true);
  ask_engine(call, std::move(request));
}

void RestApi::list_authored(Call& call) {
  auto request = call.request();
  v1::ListAuthored& list = *request->mutable_list_authored();
  const auto chat = call.query.chat("after_chat");
  if (!chat) return call.refuse(chat.error());
  const auto seq = call.query.number("after_seq", 0);
  if (!seq) return call.refuse(seq.error());
  const auto limit = call.query.number("limit", kListLimit, kListLimitMax);
  if (!limit) return call.refuse(limit.error());
  if (*chat) list.set_after_chat_id((*chat)->str());
  list.set_after_seq(*seq);
  list.set_limit(static_cast<uint32_t>(*limit));
  ask_engine(call, std::move(request));
}

void RestApi::read(Call& call) {
  auto request = call.request();
  if (!call.body(*request->mutable_read())) return;
  request->mutable_read()->set_chat_id(call.chat.str());
  ask_engine(call, std::move(request));
}

void RestApi::receipts(Call& call) {
  auto request = call.request();
  const auto seq = call.query.number("seq", 0);
  if (!seq) return call.refuse(seq.error());
  request->mutable_get_receipts()->set_chat_id(call.chat.str());
  request->mutable_get_receipts()->set_seq(*seq);
  ask_engine(call, std::move(request));
}

// ---------------------------------------------------------------- devices

void RestApi::list_devices(Call& call) {
  auto request = call.request();
  request->mutable_list_devices();
  ask_engine(call, std::move(request));
}

void RestApi::forget_device(Call& call) {
  auto request = call.request();
  constexpr std::string_view begin = "/v1/devices/";
  request->mutable_forget_device()->set_device_id(call.http.path.substr(begin.size()));
  ask_engine(call, std::move(request));
}

}  // namespace chat
