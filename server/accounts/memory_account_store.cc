#include "server/accounts/memory_account_store.h"

#include <algorithm>
#include <map>
#include <mutex>

#include "server/accounts/account_names.h"
#include "server/accounts/account_rules.h"
#include "server/accounts/secrets.h"

namespace chat {
namespace {

/// Names that differ in the case of ASCII letters only are one name.
std::string folded(std::string_view name) {
  std::string lower(name);
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return lower;
}

class MemoryAccountStore : public AccountStore {
 public:
  explicit MemoryAccountStore(Duration refresh_ttl) : refresh_ttl_(refresh_ttl) {}

  Result<Account> create(const NewAccount& account, WallTime now) override;
  std::vector<Result<Imported>> import(std::span<const NewAccount> accounts, WallTime now) override;
  Result<Account> find(UserId user) override;
  Result<Account> find_by_name(std::string_view user_name) override;
  Result<Account> find_by_email(std::string_view email) override;
  Result<Account> find_by_key(std::string_view key) override { return find_by_key_in(*this, key); }
  Result<AccountPage> list(UserId after, uint32_t limit) override;
  Result<Account> rename(UserId user, const std::string& user_name) override;
  Result<std::vector<std::optional<std::string>>> names(std::span<const UserId> users) override;
  Result<Account> log_in(std::string_view email, std::string_view password) override;

  std::vector<UserId> missing(std::span<const UserId> users) const override;
  uint64_t user_count() const override;

  Result<LoginGrant> open_login(UserId user, WallTime now) override;
  Result<LoginGrant> renew_login(std::string_view refresh_token, WallTime now) override;
  Result<std::vector<Login>> logins(UserId user, WallTime now) override;
  Status end_login(UserId user, LoginId login, WallTime now) override;
  Result<uint64_t> end_other_logins(UserId user, LoginId kept, WallTime now) override;
  Result<uint64_t> end_all_logins(UserId user, WallTime now) override;
  Result<std::vector<AccountChanged>> ended_after(WallTime since) override;

 private:
  struct User {
    Account account;
    std::string password_hash;
    WallTime tokens_ended;
  };
  struct LoginRow {
    UserId user;
    Login login;
    std::string token_hash;  ///< Of the token that is good now.
    WallTime expires;
    WallTime ended;
  };
  struct Token {
    LoginId login;
    WallTime expires;
  };

  Account insert(const UserInsert& user, WallTime now);
  Result<Imported> import_one(const UserInsert& user, WallTime now);
  std::string give_token(LoginRow& row, WallTime now);
  void forget_expired(WallTime now);
  template <class Wanted>
  std::vector<LoginId> end_where(UserId user, WallTime now, const Wanted& wanted);

  const Duration refresh_ttl_;
  mutable std::mutex mutex_;
  uint64_t last_user_ = 0;
  uint64_t last_login_ = 0;
  std::map<UserId, User> users_;
  std::map<std::string, UserId> by_name_;  ///< Folded.
  std::map<std::string, UserId> by_email_;
  std::map<LoginId, LoginRow> logins_;
  std::map<std::string, Token> tokens_;  ///< By hash; those that were replaced too.
};

// ---------------------------------------------------------------- making users

Account MemoryAccountStore::insert(const UserInsert& user, WallTime now) {
  const UserId id = user.user ? user.user : UserId{++last_user_};
  by_name_.emplace(folded(user.user_name), id);
  if (!user.email.empty()) by_email_.emplace(user.email, id);
  const Account account{id, user.user_name, user.email, now};
  users_.emplace(id, User{account, user.password_hash, {}});
  return account;
}

Result<Account> MemoryAccountStore::create(const NewAccount& account, WallTime now) {
  Result<UserInsert> user = checked_sign_up(account);
  if (!user) return user.error();
  if (Status hashed = hash_into(*user, account.password); !hashed) return hashed.error();
  const std::lock_guard lock(mutex_);
  if (by_email_.contains(user->email)) return email_taken();
  if (by_name_.contains(folded(user->user_name))) return name_taken();
  return insert(*user, now);
}

Result<Imported> MemoryAccountStore::import_one(const UserInsert& user, WallTime now) {
  if (const auto named = by_name_.find(folded(user.user_name)); named != by_name_.end()) {
    if (!user.user || user.user == named->second) return Imported{named->second, false};
    return name_of_other(user.user_name, named->second);
  }
  if (const auto same = users_.find(user.user); same != users_.end()) {
    return id_of_other(user.user, same->second.account.user_name);
  }
  if (const auto same = by_email_.find(user.email); same != by_email_.end()) {
    return email_of_other(user.email, same->second);
  }
  return Imported{insert(user, now).user, true};
}

std::vector<Result<Imported>> MemoryAccountStore::import(std::span<const NewAccount> accounts,
                                                         WallTime now) {
  std::vector<Result<Imported>> results;
  for (const NewAccount& account : accounts) {
    Result<UserInsert> user = checked_import(account);
    if (user) {
      if (Status hashed = hash_into(*user, account.password); !hashed) user = hashed.error();
    }
    const std::lock_guard lock(mutex_);
    results.push_back(user ? import_one(*user, now) : Result<Imported>(user.error()));
  }
  return results;
}

// ---------------------------------------------------------------- finding users

Result<Account> MemoryAccountStore::find(UserId user) {
  const std::lock_guard lock(mutex_);
  const auto found = users_.find(user);
  if (found == users_.end()) return no_such_user();
  return found->second.account;
}

Result<Account> MemoryAccountStore::find_by_name(std::string_view user_name) {
  const std::lock_guard lock(mutex_);
  const auto found = by_name_.find(folded(user_name));
  if (found == by_name_.end()) return no_such_user();
  return users_.at(found->second).account;
}

Result<Account> MemoryAccountStore::find_by_email(std::string_view email) {
  const Result<std::string> normal = normal_email(email);
  if (!normal) return no_such_user();
  const std::lock_guard lock(mutex_);
  const auto found = by_email_.find(*normal);
  if (found == by_email_.end()) return no_such_user();
  return users_.at(found->second).account;
}

Result<AccountPage> MemoryAccountStore::list(UserId after, uint32_t limit) {
  limit = std::clamp<uint32_t>(limit, 1, kAccountListMax);
  const std::lock_guard lock(mutex_);
  AccountPage page;
  for (auto user = users_.upper_bound(after); user != users_.end(); ++user) {
    if (page.accounts.size() == limit) {
      page.next_after = page.accounts.back().user;
      break;
    }
    page.accounts.push_back(user->second.account);
  }
  return page;
}

Result<Account> MemoryAccountStore::rename(UserId user, const std::string& user_name) {
  if (Status ok = check_user_name(user_name); !ok) return ok.error();
  const std::lock_guard lock(mutex_);
  const auto found = users_.find(user);
  if (found == users_.end()) return no_such_user();
  const auto named = by_name_.find(folded(user_name));
  if (named != by_name_.end() && named->second != user) return name_taken();
  by_name_.erase(folded(found->second.account.user_name));
  by_name_.emplace(folded(user_name), user);
  found->second.account.user_name = user_name;
  return found->second.account;
}

Result<std::vector<std::optional<std::string>>> MemoryAccountStore::names(
    std::span<const UserId> users) {
  const std::lock_guard lock(mutex_);
  std::vector<std::optional<std::string>> names;
  for (const UserId user : users) {
    const auto found = users_.find(user);
    names.push_back(found == users_.end() ? std::nullopt
                                          : std::optional(found->second.account.user_name));
  }
  return names;
}

std::vector<UserId> MemoryAccountStore::missing(std::span<const UserId> users) const {
  const std::lock_guard lock(mutex_);
  std::vector<UserId> result;
  for (const UserId user : users) {
    if (!users_.contains(user)) result.push_back(user);
  }
  return result;
}

uint64_t MemoryAccountStore::user_count() const {
  const std::lock_guard lock(mutex_);
  return users_.size();
}

Result<Account> MemoryAccountStore::log_in(std::string_view email, std::string_view password) {
  const Result<Account> account = find_by_email(email);
  std::string hash;
  if (account) {
    const std::lock_guard lock(mutex_);
    hash = users_.at(account->user).password_hash;
  }
  if (!is_password_right(hash, password)) return wrong_credentials();
  return account;
}

// ---------------------------------------------------------------- log-ins

std::string MemoryAccountStore::give_token(LoginRow& row, WallTime now) {
  std::string token = random_token();
  row.token_hash = hash_token(token);
  row.expires = now + refresh_ttl_;
  row.login.last_used = now;
  tokens_.emplace(row.token_hash, Token{row.login.login, row.expires});
  return token;
}

void MemoryAccountStore::forget_expired(WallTime now) {
  std::erase_if(logins_, [&](const auto& entry) {
    const LoginRow& row = entry.second;
    return row.ended == WallTime{} ? row.expires <= now : row.ended + kEndedLoginKept <= now;
  });
  std::erase_if(tokens_, [&](const auto& token) {
    return token.second.expires <= now || !logins_.contains(token.second.login);
  });
}

Result<LoginGrant> MemoryAccountStore::open_login(UserId user, WallTime now) {
  const std::lock_guard lock(mutex_);
  const auto found = users_.find(user);
  if (found == users_.end()) return no_such_user();
  forget_expired(now);
  const LoginId id{++last_login_};
  LoginRow& row = logins_[id];
  row.user = user;
  row.login = {id, now, now};
  return LoginGrant{found->second.account, id, give_token(row, now)};
}

Result<LoginGrant> MemoryAccountStore::renew_login(std::string_view refresh_token, WallTime now) {
  std::unique_lock lock(mutex_);
  const std::string hash = hash_token(refresh_token);
  const auto token = tokens_.find(hash);
  if (token == tokens_.end()) return refresh_refused(RefreshRefusal::unknown);
  LoginRow& row = logins_.at(token->second.login);
  if (row.ended != WallTime{}) return refresh_refused(RefreshRefusal::ended);
  if (row.token_hash != hash) {
    row.ended = now;
    const AccountChanged change{.user = row.user, .ended = {row.login.login}};
    lock.unlock();
    tell_ended(change);
    return refresh_refused(RefreshRefusal::reused);
  }
  if (row.expires <= now) return refresh_refused(RefreshRefusal::expired);
  return LoginGrant{users_.at(row.user).account, row.login.login, give_token(row, now)};
}

Result<std::vector<Login>> MemoryAccountStore::logins(UserId user, WallTime now) {
  const std::lock_guard lock(mutex_);
  std::vector<Login> logins;
  for (const auto& [id, row] : logins_) {
    if (row.user == user && row.ended == WallTime{} && row.expires > now) {
      logins.push_back(row.login);
    }
  }
  return logins;
}

template <class Wanted>
std::vector<LoginId> MemoryAccountStore::end_where(UserId user, WallTime now,
                                                   const Wanted& wanted) {
  std::vector<LoginId> ended;
  for (auto& [id, row] : logins_) {
    if (row.user != user || row.ended != WallTime{} || !wanted(id)) continue;
    row.ended = now;
    ended.push_back(id);
  }
  return ended;
}

Status MemoryAccountStore::end_login(UserId user, LoginId login, WallTime now) {
  {
    const std::lock_guard lock(mutex_);
    if (end_where(user, now, [&](LoginId id) { return id == login; }).empty()) {
      return no_such_login();
    }
  }
  tell_ended({.user = user, .ended = {login}});
  return {};
}

Result<uint64_t> MemoryAccountStore::end_other_logins(UserId user, LoginId kept, WallTime now) {
  std::vector<LoginId> ended;
  {
    const std::lock_guard lock(mutex_);
    ended = end_where(user, now, [&](LoginId id) { return id != kept; });
  }
  if (!ended.empty()) tell_ended({.user = user, .ended = ended});
  return ended.size();
}

Result<uint64_t> MemoryAccountStore::end_all_logins(UserId user, WallTime now) {
  std::vector<LoginId> ended;
  {
    const std::lock_guard lock(mutex_);
    const auto found = users_.find(user);
    if (found == users_.end()) return no_such_user();
    found->second.tokens_ended = now;
    ended = end_where(user, now, [](LoginId) { return true; });
  }
  tell_ended({.user = user, .ended = ended, .ended_until = now});
  return ended.size();
}

Result<std::vector<AccountChanged>> MemoryAccountStore::ended_after(WallTime since) {
  const std::lock_guard lock(mutex_);
  std::vector<AccountChanged> changes;
  for (const auto& [id, user] : users_) {
    if (user.tokens_ended != WallTime{}) {
      changes.push_back({.user = id, .ended_until = user.tokens_ended});
    }
  }
  for (const auto& [id, row] : logins_) {
    if (row.ended > since) changes.push_back({.user = row.user, .ended = {id}});
  }
  return changes;
}

}  // namespace

Result<std::unique_ptr<AccountStore>> make_memory_account_store(
    const MemoryAccountStoreOptions& options) {
  if (Status ready = init_secrets(); !ready) return ready.error();
  return std::unique_ptr<AccountStore>(std::make_unique<MemoryAccountStore>(options.refresh_ttl));
}

}  // namespace chat
