// EndedTokens: which access tokens are refused although they are signed and have not expired: those
// of log-ins that ended. Kept in memory, filled from the AccountStore at start; an entry is
// forgotten when every token that it refuses has expired. Thread rule: every function from any
// thread.
#pragma once

#include <map>
#include <shared_mutex>
#include <unordered_map>

#include "core/base/ids.h"
#include "core/base/time.h"
#include "core/engine/io.h"

namespace chat {

class EndedTokens {
 public:
  /// No access token of a log-in lasts longer than `of_logins`, no other one longer than `others`.
  EndedTokens(Duration of_logins, Duration others) : of_logins_(of_logins), others_(others) {}

  void add(const AccountChanged& change, WallTime now);
  bool contains(const Identity& identity) const;
  size_t size() const;

 private:
  void forget(WallTime now);

  const Duration of_logins_;
  const Duration others_;
  mutable std::shared_mutex mutex_;
  std::unordered_map<LoginId, WallTime, IdHash> logins_;  ///< Until when they are refused.
  std::unordered_map<UserId, WallTime, IdHash> users_;    ///< Tokens made up to then.
  std::multimap<WallTime, AccountChanged> forgotten_at_;
};

}  // namespace chat
