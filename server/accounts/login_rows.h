// The SQL of log-ins and their refresh tokens, used inside AccountDatabase::run. Internal to this
// folder. Throws soci_error, which run() maps. Thread rule: the thread that runs the transaction.
#pragma once

#include <soci/soci.h>

#include <optional>
#include <string>
#include <vector>

#include "server/accounts/account_rules.h"

namespace chat {

struct OpenedLogin {
  LoginId login;
  std::string refresh_token;
};
/// A new log-in of `user` with its first token; forgets what has expired.
OpenedLogin insert_login(soci::session& sql, UserId user, WallTime now, Duration ttl);

/// What became of a refresh token; the log-in of one that was reused has ended: commit it.
struct Renewal {
  std::optional<RefreshRefusal> refusal;
  UserId user;  ///< Unless it is unknown.
  LoginId login;
  std::string refresh_token;  ///< The next one, unless it was refused.
};
Renewal renew_login_row(soci::session& sql, std::string_view token, WallTime now, Duration ttl);

std::vector<Login> select_logins(soci::session& sql, UserId user, WallTime now);
/// Ends one log-in of the user, or with `kept` all others; which ones.
std::vector<LoginId> end_login_rows(soci::session& sql, UserId user, std::optional<LoginId> only,
                                    std::optional<LoginId> kept, WallTime now);
/// Every token of the user that was made up to `now` is refused from now on.
void end_tokens_of_user(soci::session& sql, UserId user, WallTime now);
std::vector<AccountChanged> select_ended_after(soci::session& sql, WallTime since);

}  // namespace chat
