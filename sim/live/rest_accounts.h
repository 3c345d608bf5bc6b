// Accounts over chatd's REST: how simulated users sign up and log in when a scenario wants it real.
// Blocking. Thread rule: one thread per HttpClient.
#pragma once

#include <string>

#include "core/base/error.h"
#include "core/base/ids.h"
#include "sim/live/http_client.h"

namespace chat::sim {

/// Who an account belongs to, and a token for it.
struct LoggedIn {
  UserId user;
  std::string token;
};

/// Errors: already_exists, unavailable (later it may work), unauthenticated, corrupt.
Result<LoggedIn> sign_up(HttpClient& http, const std::string& email, const std::string& password,
                         const std::string& user_name);
/// Errors: as sign_up().
Result<LoggedIn> log_in(HttpClient& http, const std::string& email, const std::string& password);

}  // namespace chat::sim
