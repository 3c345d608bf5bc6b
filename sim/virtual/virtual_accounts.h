// VirtualAccounts: the accounts of a virtual world: users 1 … n, each with as many tokens as anyone
// cares to write. It checks tokens and remembers which log-ins ended. Thread rule: its world's
// thread.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/base/error.h"
#include "core/base/time.h"
#include "core/engine/io.h"

namespace chat::sim {

/// The access token that the world's accounts accept for a user; it lasts for a day from each use.
std::string token_of(UserId user);
/// A token as servers make them: of a log-in, made and ending at fixed times (of world.wall()).
std::string token_of(UserId user, LoginId login, WallTime issued, WallTime expires);
std::string name_of(UserId user);

class VirtualAccounts {
 public:
  explicit VirtualAccounts(uint64_t users) : users_(users) {}

  /// Who the token speaks for; errors: unauthenticated.
  Result<Identity> identity_of(const std::string& token, WallTime wall) const;
  /// Their tokens are refused from now on.
  void end_logins(const AccountChanged& change) { ended_logins_.push_back(change); }
  bool exists(UserId user) const { return user && user.value <= users_; }
  /// Those of `users` that do not exist.
  std::vector<UserId> missing(const std::vector<UserId>& users) const;

 private:
  uint64_t users_;
  std::vector<AccountChanged> ended_logins_;
};

}  // namespace chat::sim
