#include "server/accounts/ended_tokens.h"

#include <algorithm>
#include <mutex>

namespace chat {

void EndedTokens::add(const AccountChanged& change, WallTime now) {
  const std::unique_lock lock(mutex_);
  forget(now);
  const bool whole_user = change.ended_until.ms > 0;
  const WallTime until = now + (whole_user ? std::max(of_logins_, others_) : of_logins_);
  for (const LoginId login : change.ended) logins_[login] = until;
  if (whole_user) {
    WallTime& made_until = users_[change.user];
    made_until = std::max(made_until, change.ended_until);
  }
  forgotten_at_.emplace(until, change);
}

bool EndedTokens::contains(const Identity& identity) const {
  const std::shared_lock lock(mutex_);
  if (identity.login && logins_.contains(identity.login)) return true;
  const auto user = users_.find(identity.user);
  return user != users_.end() && identity.issued <= user->second;
}

size_t EndedTokens::size() const {
  const std::shared_lock lock(mutex_);
  return logins_.size() + users_.size();
}

// A wall clock that was set back keeps entries longer, never shorter than a token lasts.
void EndedTokens::forget(WallTime now) {
  while (!forgotten_at_.empty() && forgotten_at_.begin()->first <= now) {
    const AccountChanged& change = forgotten_at_.begin()->second;
    for (const LoginId login : change.ended) {
      const auto found = logins_.find(login);
      if (found != logins_.end() && found->second <= now) logins_.erase(found);
    }
    const auto user = users_.find(change.user);
    if (user != users_.end() && user->second <= change.ended_until) users_.erase(user);
    forgotten_at_.erase(forgotten_at_.begin());
  }
}

}  // namespace chat
