// AdminApi: the routes of the operator's port, all but the streamed import.
// Internal to this folder. Thread rule: coroutines on the Asio thread; blocking work goes to the
// pool.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/ids.h"
#include "server/admin/admin_services.h"
#include "server/rest/query.h"
#include "server/transport/transport.h"

namespace chat::admin {

struct Call {
  std::string method;
  std::string path;   ///< Decoded.
  std::string query;  ///< Decoded, without '?'.
  std::string body;
};

class AdminApi {
 public:
  explicit AdminApi(const AdminServices& services) : services_(services) {}

  /// The answer to any request. `call` outlives the coroutine.
  boost::asio::awaitable<HttpAnswer> handle(const Call& call);

 private:
  using Answer = boost::asio::awaitable<HttpAnswer>;
  using Handler = Answer (AdminApi::*)(const Call& call);
  struct Route;

  Answer health(const Call& call);
  Answer readiness(const Call& call);
  Answer status(const Call& call);
  Answer metrics(const Call& call);
  Answer mint_tokens(const Call& call);
  Answer create_user(const Call& call);
  Answer list_users(const Call& call);
  Answer show_user(const Call& call);
  Answer list_chats(const Call& call);
  Answer show_chat(const Call& call);
  Answer list_events(const Call& call);
  Answer show_presence(const Call& call);
  Answer list_sessions(const Call& call);
  Answer list_logins(const Call& call);
  Answer log_out(const Call& call);
  Answer close_session(const Call& call);
  Answer drain(const Call& call);
  Answer show_limits(const Call& call);
  Answer change_limits(const Call& call);
  Answer show_faults(const Call& call);
  Answer change_faults(const Call& call);

  Answer ask_home(const ChatId& chat, std::shared_ptr<const v1::Request> request);

  const AdminServices services_;
};

/// Text with %XX resolved; what is no such escape stays.
std::string percent_decoded(std::string_view text);

}  // namespace chat::admin
