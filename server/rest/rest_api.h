// RestApi: the public REST routes below /v1, /healthz and /readyz, on the same port as the
// WebSocket. Accounts go to a job pool (SQL, Argon2id); everything else becomes a v1.Request to the
// engine of the reactor that has the connection. Answers are canonical JSON; errors are an HTTP
// status and a v1.Error. Thread rule: handle() on any reactor, several at once; what it refers to
// must outlive the reactors and the pool.
#pragma once

#include <atomic>
#include <functional>
#include <string_view>

#include "core/base/time.h"
#include "server/accounts/account_store.h"
#include "server/accounts/job_pool.h"
#include "server/accounts/token_service.h"
#include "server/reactor/reactor.h"

namespace chat {

struct RestApiOptions {
  AccountStore& accounts;
  TokenService& tokens;
  JobPool& pool;
  Duration access_token_ttl;
  const std::atomic<bool>& ready;  ///< What /readyz tells.
};

class RestApi {
 public:
  explicit RestApi(const RestApiOptions& options) : options_(options) {}

  /// Answers `call` by Reactor::respond(), now or later.
  void handle(Reactor& reactor, HttpCall call);

  struct Call;
  using Handler = void (RestApi::*)(Call& call);

 private:
  struct Route;
  static const Route* find_route(const HttpCall& call, bool& path_is_known);
  static bool matches(const Route& route, std::string_view path);
  Status prepare(const Route& route, Call& call) const;

  void health(Call& call);
  void readiness(Call& call);
  void sign_up(Call& call);
  void log_in(Call& call);
  void refresh(Call& call);
  void log_out(Call& call);
  void list_logins(Call& call);
  void end_login(Call& call);
  void end_other_logins(Call& call);
  void show_me(Call& call);
  void rename_me(Call& call);
  void create_chat(Call& call);
  void list_chats(Call& call);
  void show_chat(Call& call);
  void update_chat(Call& call);
  void delete_chat(Call& call);
  void change_members(Call& call);
  void send(Call& call);
  void send_to_chat(Call& call);
  void history(Call& call);
  void edit(Call& call);
  void delete_message(Call& call);
  void react(Call& call);
  void take_back_reaction(Call& call);
  void list_authored(Call& call);
  void read(Call& call);
  void receipts(Call& call);
  void list_devices(Call& call);
  void forget_device(Call& call);

  void ask_engine(Call& call, std::shared_ptr<v1::Request> request);
  void run_job(Call& call, std::function<HttpAnswer()> job);
  HttpAnswer grant(const Result<LoginGrant>& login) const;

  const RestApiOptions options_;
};

}  // namespace chat
