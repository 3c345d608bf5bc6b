#include "sim/virtual/virtual_accounts.h"

#include <algorithm>
#include <iterator>
#include <sstream>
#include <string_view>

namespace chat::sim {
namespace {

constexpr std::string_view kTokenPrefix = "user:";

}  // namespace

std::string token_of(UserId user) { return std::string(kTokenPrefix) + std::to_string(user.value); }

std::string token_of(UserId user, LoginId login, WallTime issued, WallTime expires) {
  return token_of(user) + " " + std::to_string(login.value) + " " + std::to_string(issued.ms) +
         " " + std::to_string(expires.ms);
}

std::string name_of(UserId user) { return "user" + std::to_string(user.value); }

Result<Identity> VirtualAccounts::identity_of(const std::string& token, WallTime wall) const {
  const Error refused = make_error(ErrorCode::unauthenticated, "no such token");
  if (!token.starts_with(kTokenPrefix)) return refused;
  std::istringstream words(token.substr(kTokenPrefix.size()));
  Identity identity;
  identity.issued = wall;
  identity.expires = wall + minutes(24 * 60);
  words >> identity.user.value;
  if (!exists(identity.user)) return refused;
  identity.name = name_of(identity.user);
  words >> identity.login.value >> identity.issued.ms >> identity.expires.ms;
  if (identity.expires <= wall) return make_error(ErrorCode::unauthenticated, "it has expired");
  for (const AccountChanged& change : ended_logins_) {
    if (change.user == identity.user && change.ends(identity.login, identity.issued)) {
      return make_error(ErrorCode::unauthenticated, "this log-in has ended");
    }
  }
  return identity;
}

std::vector<UserId> VirtualAccounts::missing(const std::vector<UserId>& users) const {
  std::vector<UserId> missing;
  std::copy_if(users.begin(), users.end(), std::back_inserter(missing),
               [this](UserId user) { return !exists(user); });
  return missing;
}

}  // namespace chat::sim
