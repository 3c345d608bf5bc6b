#include "server/admin/admin_api.h"

#include <fmt/format.h>

#include <boost/json.hpp>
#include <charconv>

#include "core/wire/chat.pb.h"
#include "server/admin/bridge.h"
#include "server/admin/faults_json.h"
#include "server/admin/json_members.h"
#include "server/admin/limits_json.h"
#include "server/admin/metrics.h"
#include "server/admin/status.h"
#include "server/reactor/clock.h"
#include "server/rest/json_body.h"

namespace chat::admin {
namespace {

namespace json = boost::json;

constexpr uint64_t kListLimit = 100;
constexpr uint64_t kListLimitMax = 1'000;
constexpr uint64_t kEventsLimitMax = 200;
constexpr size_t kTokensMax = 100'000;
constexpr int64_t kTokenSecondsMax = TokenService::kTtlMax.ns / seconds(1).ns;
/// A session cursor names the engine above these bits, and the connection in them.
constexpr int kConnBits = 56;

HttpAnswer json_text(std::string body) { return {200, "application/json", std::move(body)}; }

HttpAnswer invalid(std::string text) {
  return error_answer(make_error(ErrorCode::invalid_argument, std::move(text)));
}

v1::Account account_message(const Account& account) {
  v1::Account message;
  message.set_user_id(account.user.value);
  message.set_email(account.email);
  message.set_user_name(account.user_name);
  message.set_created_ms(account.created.ms);
  return message;
}

HttpAnswer account_answer(const Result<Account>& account) {
  return account ? json_answer(account_message(*account)) : error_answer(account.error());
}

struct MintRequest {
  std::vector<UserId> users;
  Duration ttl;
};

Result<MintRequest> mint_request(const std::string& body) {
  const auto object = object_of(body);
  if (!object) return object.error();
  MintRequest request;
  const json::value* const ttl = object->if_contains("ttl_s");
  json::error_code code;
  const int64_t ttl_s = ttl == nullptr ? 0 : ttl->to_number<int64_t>(code);
  if (ttl == nullptr || code || ttl_s < 1 || ttl_s > kTokenSecondsMax) {
    return make_error(ErrorCode::invalid_argument, "ttl_s: expected seconds, up to a year");
  }
  request.ttl = seconds(ttl_s);
  const json::value* const ids = object->if_contains("user_ids");
  if (ids == nullptr || !ids->is_array() || ids->get_array().size() > kTokensMax) {
    return make_error(ErrorCode::invalid_argument,
                      fmt::format("user_ids: expected a list of at most {} ids", kTokensMax));
  }
  for (const json::value& id : ids->get_array()) {
    const auto value = id.to_number<uint64_t>(code);
    if (code || value == 0) {
      return make_error(ErrorCode::invalid_argument, "user_ids: expected user ids");
    }
    request.users.push_back(UserId{value});
  }
  return request;
}

Result<std::string> mint_all(const AdminServices& services, const MintRequest& request) {
  const auto names = services.accounts.names(request.users);
  if (!names) return names.error();
  const WallTime now = wall_now();
  json::array tokens;
  for (size_t i = 0; i < request.users.size(); ++i) {
    const UserId user = request.users[i];
    if (!names->at(i)) {
      return make_error(ErrorCode::not_found, fmt::format("there is no user {}", user.value));
    }
    const auto token = services.tokens.mint(user, *names->at(i), now, request.ttl);
    if (!token) return token.error();
    tokens.push_back(json::object{{"user_id", user.value}, {"token", *token}});
  }
  return json::serialize(json::object{{"tokens", std::move(tokens)}});
}

v1::ChatList chat_list(const ChatsListed& listed) {
  v1::ChatList list;
  for (const auto& [id, row] : listed.items) {
    v1::ChatSummary& chat = *list.add_chats();
    chat.set_chat_id(id.str());
    chat.set_kind(static_cast<v1::ChatKind>(row.kind));
    chat.set_title(row.title);
    chat.set_last_seq(row.last_seq);
    chat.set_member_count(row.member_count);
  }
  if (!listed.complete && !listed.items.empty()) {
    list.set_next_after_chat_id(listed.items.back().first.str());
  }
  return list;
}

Result<std::vector<uint64_t>> id_list(std::string_view text) {
  std::vector<uint64_t> ids;
  while (!text.empty()) {
    const std::string_view part = text.substr(0, text.find(','));
    uint64_t id = 0;
    const auto [end, code] = std::from_chars(part.data(), part.data() + part.size(), id);
    if (code != std::errc{} || end != part.data() + part.size()) {
      return make_error(ErrorCode::invalid_argument,
                        fmt::format("user_ids: expected numbers, got \"{}\"", part));
    }
    ids.push_back(id);
    text.remove_prefix(std::min(part.size() + 1, text.size()));
  }
  return ids;
}

}  // namespace

std::string percent_decoded(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    const auto byte = text[i] == '%' ? bytes_from_hex(text.substr(i + 1, 2)) : std::nullopt;
    if (byte && byte->size() == 1) {
      out += *byte;
      i += 2;
    } else {
      out += text[i];
    }
  }
  return out;
}

struct AdminApi::Route {
  std::string_view method;
  std::string_view path;  ///< "*" stands for one part.
  Handler handler;
};

boost::asio::awaitable<HttpAnswer> AdminApi::handle(const Call& call) {
  static const Route routes[] = {
      {"GET", "/healthz", &AdminApi::health},
      {"GET", "/readyz", &AdminApi::readiness},
      {"GET", "/metrics", &AdminApi::metrics},
      {"GET", "/admin/v1/status", &AdminApi::status},
      {"POST", "/admin/v1/tokens", &AdminApi::mint_tokens},
      {"POST", "/admin/v1/users", &AdminApi::create_user},
      {"GET", "/admin/v1/users", &AdminApi::list_users},
      {"GET", "/admin/v1/users/*", &AdminApi::show_user},
      {"GET", "/admin/v1/chats", &AdminApi::list_chats},
      {"GET", "/admin/v1/chats/*", &AdminApi::show_chat},
      {"GET", "/admin/v1/chats/*/events", &AdminApi::list_events},
      {"GET", "/admin/v1/presence", &AdminApi::show_presence},
      {"GET", "/admin/v1/sessions", &AdminApi::list_sessions},
      {"GET", "/admin/v1/users/*/logins", &AdminApi::list_logins},
      {"POST", "/admin/v1/users/*/logout", &AdminApi::log_out},
      {"POST", "/admin/v1/sessions/close", &AdminApi::close_session},
      {"POST", "/admin/v1/drain", &AdminApi::drain},
      {"GET", "/admin/v1/limits", &AdminApi::show_limits},
      {"PUT", "/admin/v1/limits", &AdminApi::change_limits},
      {"GET", "/admin/v1/faults", &AdminApi::show_faults},
      {"PUT", "/admin/v1/faults", &AdminApi::change_faults},
  };
  const auto parts = path_parts(call.path);
  bool path_is_known = false;
  for (const Route& route : routes) {
    const auto wanted = path_parts(route.path);
    bool matches = wanted.size() == parts.size();
    for (size_t i = 0; matches && i < parts.size(); ++i) {
      matches = wanted[i] == "*" || wanted[i] == parts[i];
    }
    if (!matches) continue;
    path_is_known = true;
    if (route.method == call.method) co_return co_await (this->*route.handler)(call);
  }
  HttpAnswer answer = error_answer(
      make_error(ErrorCode::not_found, fmt::format("there is no {} {}", call.method, call.path)));
  if (path_is_known) answer.status = 405;
  co_return answer;
}

// ---------------------------------------------------------------- the process

AdminApi::Answer AdminApi::health(const Call&) { co_return json_text(R"({"status":"ok"})"); }

AdminApi::Answer AdminApi::readiness(const Call&) {
  HttpAnswer answer = json_text(services_.ready ? R"({"ready":true})" : R"({"ready":false})");
  if (!services_.ready) answer.status = 503;
  co_return answer;
}

AdminApi::Answer AdminApi::status(const Call&) { co_return json_text(status_json(services_)); }

AdminApi::Answer AdminApi::metrics(const Call&) {
  co_return HttpAnswer{200, "text/plain; version=0.0.4", metrics_text(services_)};
}

// ---------------------------------------------------------------- users

AdminApi::Answer AdminApi::mint_tokens(const Call& call) {
  const auto request = mint_request(call.body);
  if (!request) co_return error_answer(request.error());
  std::function<Result<std::string>()> job = [this, &request] {
    return mint_all(services_, *request);
  };
  auto tokens = co_await run_job<std::string>(services_.pool, std::move(job));
  co_return tokens ? json_text(std::move(*tokens)) : error_answer(tokens.error());
}

AdminApi::Answer AdminApi::create_user(const Call& call) {
  const auto object = object_of(call.body);
  if (!object) co_return error_answer(object.error());
  const auto name = text_member(*object, "user_name"), email = text_member(*object, "email"),
             password = text_member(*object, "password");
  for (const auto* member : {&name, &email, &password}) {
    if (!*member) co_return error_answer(member->error());
  }
  std::function<Result<Account>()> job = [this, &name, &email, &password] {
    return services_.accounts.create({.user_name = *name, .email = *email, .password = *password},
                                     wall_now());
  };
  const auto account = co_await run_job<Account>(services_.pool, std::move(job));
  co_return account_answer(account);
}

AdminApi::Answer AdminApi::list_users(const Call& call) {
  const Query query(call.query);
  const auto after = query.number("after", 0);
  if (!after) co_return error_answer(after.error());
  const auto limit = query.number("limit", kListLimit, kListLimitMax);
  if (!limit) co_return error_answer(limit.error());
  std::function<Result<AccountPage>()> job = [this, &after, &limit] {
    return services_.accounts.list(UserId{*after}, static_cast<uint32_t>(*limit));
  };
  const auto page = co_await run_job<AccountPage>(services_.pool, std::move(job));
  if (!page) co_return error_answer(page.error());
  std::string body = R"({"users":[)";
  for (const Account& account : page->accounts) {
    if (body.back() != '[') body += ',';
    body += to_json(account_message(account));
  }
  body += ']';
  if (page->next_after) body += fmt::format(R"(,"next_after":"{}")", page->next_after->value);
  co_return json_text(body + '}');
}

AdminApi::Answer AdminApi::show_user(const Call& call) {
  const std::string key(path_parts(call.path)[3]);
  std::function<Result<Account>()> job = [this, &key] {
    return services_.accounts.find_by_key(key);
  };
  const auto account = co_await run_job<Account>(services_.pool, std::move(job));
  co_return account_answer(account);
}

// ---------------------------------------------------------------- chats

AdminApi::Answer AdminApi::list_chats(const Call& call) {
  const Query query(call.query);
  const auto after = query.chat("after");
  if (!after) co_return error_answer(after.error());
  const auto limit = query.number("limit", kListLimit, kListLimitMax);
  if (!limit) co_return error_answer(limit.error());
  std::function<Result<v1::ChatList>()> job = [this, &after, &limit]() -> Result<v1::ChatList> {
    const StoreResult read = services_.store.read(ListChats{*after, static_cast<uint32_t>(*limit)});
    if (const auto* error = std::get_if<Error>(&read)) return *error;
    return chat_list(std::get<ChatsListed>(read));
  };
  const auto list = co_await run_job<v1::ChatList>(services_.pool, std::move(job));
  co_return list ? json_answer(*list) : error_answer(list.error());
}

/// Asks always the same engine about a chat, so that requests about it stay in order.
AdminApi::Answer AdminApi::ask_home(const ChatId& chat,
                                    std::shared_ptr<const v1::Request> request) {
  Reactor& reactor = services_.reactors.at(chat.hash() % services_.reactors.size());
  const SharedResponse response = co_await ask_engine(reactor, std::move(request));
  co_return response_answer(*response);
}

AdminApi::Answer AdminApi::show_chat(const Call& call) {
  const auto chat = chat_of_path(path_parts(call.path)[3]);
  if (!chat) co_return error_answer(chat.error());
  auto request = std::make_shared<v1::Request>();
  request->mutable_get_chat()->set_chat_id(chat->str());
  co_return co_await ask_home(*chat, std::move(request));
}

AdminApi::Answer AdminApi::list_events(const Call& call) {
  const auto chat = chat_of_path(path_parts(call.path)[3]);
  if (!chat) co_return error_answer(chat.error());
  const Query query(call.query);
  const auto after = query.number("after_seq", 0);
  if (!after) co_return error_answer(after.error());
  const auto limit = query.number("limit", kEventsLimitMax, kEventsLimitMax);
  if (!limit) co_return error_answer(limit.error());
  auto request = std::make_shared<v1::Request>();
  v1::History& history = *request->mutable_history();
  history.set_chat_id(chat->str());
  history.set_after_seq(*after);
  history.set_forward(true);
  history.set_limit(static_cast<uint32_t>(*limit));
  co_return co_await ask_home(*chat, std::move(request));
}

// ---------------------------------------------------------------- sessions and presence

AdminApi::Answer AdminApi::show_presence(const Call& call) {
  const Query query(call.query);
  const auto ids = id_list(query.find("user_ids").value_or(""));
  if (!ids) co_return error_answer(ids.error());
  if (ids->empty()) co_return invalid("user_ids: expected user ids, separated by commas");
  auto request = std::make_shared<v1::Request>();
  for (const uint64_t id : *ids) request->mutable_get_presence()->add_user_ids(id);
  const SharedResponse response = co_await ask_engine(services_.reactors.at(0), std::move(request));
  co_return response_answer(*response);
}

AdminApi::Answer AdminApi::list_sessions(const Call& call) {
  const Query query(call.query);
  const auto after = query.number("after", 0);
  if (!after) co_return error_answer(after.error());
  const auto limit = query.number("limit", kListLimit, kListLimitMax);
  if (!limit) co_return error_answer(limit.error());
  const auto user = query.number("user", 0);
  if (!user) co_return error_answer(user.error());
  v1::SessionList merged;
  uint64_t engine = *after >> kConnBits;
  uint64_t conn = *after & ((uint64_t{1} << kConnBits) - 1);
  while (engine < services_.reactors.size() &&
         static_cast<uint64_t>(merged.sessions_size()) < *limit) {
    auto request = std::make_shared<v1::Request>();
    v1::ListSessions& list = *request->mutable_list_sessions();
    list.set_after_conn(conn);
    list.set_limit(static_cast<uint32_t>(*limit) - static_cast<uint32_t>(merged.sessions_size()));
    list.set_user_id(*user);
    const SharedResponse response =
        co_await ask_engine(services_.reactors.at(engine), std::move(request));
    if (!response->has_sessions()) co_return response_answer(*response);
    merged.mutable_sessions()->MergeFrom(response->sessions().sessions());
    conn = response->sessions().next_after_conn();
    if (conn == 0) ++engine;
  }
  if (engine < services_.reactors.size()) {
    merged.set_next_after_conn(engine << kConnBits | conn);
  }
  co_return json_answer(merged);
}

// ---------------------------------------------------------------- limits

AdminApi::Answer AdminApi::show_limits(const Call&) {
  co_return json_text(json::serialize(limits_json(services_.reactors.limits())));
}

/// Nothing in between lets another request run: the change is made on the limits of now.
AdminApi::Answer AdminApi::change_limits(const Call& call) {
  const auto object = object_of(call.body);
  if (!object) co_return error_answer(object.error());
  RuntimeLimits limits = services_.reactors.limits();
  if (const Status changed = update_limits(limits, *object); !changed) {
    co_return error_answer(changed.error());
  }
  services_.reactors.set_limits(limits);
  co_return json_text(json::serialize(limits_json(limits)));
}

// ---------------------------------------------------------------- faults

namespace {

Error no_faults() {
  return make_error(ErrorCode::permission_denied,
                    "chatd makes faults only when it was started with --fault-injection true");
}

}  // namespace

AdminApi::Answer AdminApi::show_faults(const Call&) {
  if (services_.faults == nullptr) co_return error_answer(no_faults());
  co_return json_text(json::serialize(faults_json(services_.faults->plan())));
}

AdminApi::Answer AdminApi::change_faults(const Call& call) {
  if (services_.faults == nullptr) co_return error_answer(no_faults());
  const auto object = object_of(call.body);
  if (!object) co_return error_answer(object.error());
  FaultPlan plan = services_.faults->plan();
  if (const Status changed = update_faults(plan, *object); !changed) {
    co_return error_answer(changed.error());
  }
  services_.faults->set(plan);
  co_return json_text(json::serialize(faults_json(plan)));
}

}  // namespace chat::admin
