// AccountStore: the port for users, their credentials and their log-ins. Passwords are kept only as
// Argon2id hashes, refresh tokens only as SHA-256. A log-in is one use of a password: a family of
// refresh tokens, and the access tokens that are made from them. It also answers from memory which
// user ids exist. Implementations: SQLite (sql_account_store.h), memory (memory_account_store.h).
// Thread rule: every function from any thread; all but missing() and user_count() may block on a
// disk, those with a password take about 50 ms of CPU: use a JobPool.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/base/error.h"
#include "core/base/ids.h"
#include "core/base/time.h"
#include "core/engine/io.h"

namespace chat {

/// Explicit ids of imported users begin here; below are those that the store gives.
inline constexpr uint64_t kImportedUserIdMin = uint64_t{1} << 40;

struct Account {
  UserId user;
  std::string user_name;
  std::string email;  ///< Lower case; empty when there is none.
  WallTime created;
};

struct NewAccount {
  UserId user{};  ///< Imports only: the explicit id, or none.
  std::string user_name;
  std::string email;     ///< Empty = none.
  std::string password;  ///< Empty = none: such a user cannot log in.
};

struct Imported {
  UserId user;
  bool created = false;  ///< false: it was there already.
};

struct AccountPage {
  std::vector<Account> accounts;     ///< By id.
  std::optional<UserId> next_after;  ///< Where the next page begins; nullopt = that was all.
};

/// What a log-in, or the next use of its refresh token, gives.
struct LoginGrant {
  Account account;
  LoginId login;
  std::string refresh_token;
};

struct Login {
  LoginId login;
  WallTime created;
  WallTime last_used;  ///< When a token was last given for it.
};

class AccountStore {
 public:
  using EndedListener = std::function<void(const AccountChanged&)>;

  virtual ~AccountStore() = default;

  /// Hears of every log-in that ends, when that is durable, on the thread of the call that ended
  /// it. Set once, before other threads use the store.
  void set_ended_listener(EndedListener listener) { ended_ = std::move(listener); }

  // -- accounts

  /// A new user with an id of the store. Errors: invalid_argument, already_exists (says which of
  /// e-mail address and user name).
  virtual Result<Account> create(const NewAccount& account, WallTime now) = 0;
  /// Users of another system, in one transaction; answers in the same order. A user that exists
  /// with the same id and name (without an explicit id: the same name) is skipped, so an import can
  /// be repeated.
  virtual std::vector<Result<Imported>> import(std::span<const NewAccount> accounts,
                                               WallTime now) = 0;
  virtual Result<Account> find(UserId user) = 0;
  virtual Result<Account> find_by_name(std::string_view user_name) = 0;
  virtual Result<Account> find_by_email(std::string_view email) = 0;
  /// By what an operator types: an id, an e-mail address or a user name.
  virtual Result<Account> find_by_key(std::string_view key) = 0;
  virtual Result<AccountPage> list(UserId after, uint32_t limit) = 0;
  virtual Result<Account> rename(UserId user, const std::string& user_name) = 0;
  /// The names of `users` in the same order; nullopt = no such user.
  virtual Result<std::vector<std::optional<std::string>>> names(std::span<const UserId> users) = 0;
  /// Error unauthenticated when there is no such account or the password is another: it does not
  /// say which.
  virtual Result<Account> log_in(std::string_view email, std::string_view password) = 0;

  // -- from memory, for reactors

  /// Those of `users` that do not exist, in the same order.
  virtual std::vector<UserId> missing(std::span<const UserId> users) const = 0;
  virtual uint64_t user_count() const = 0;

  // -- log-ins

  /// A new log-in of one device, with its first refresh token.
  virtual Result<LoginGrant> open_login(UserId user, WallTime now) = 0;
  /// Replaces a refresh token by the next one of its log-in. A token that was replaced before is
  /// stolen or repeated: its log-in ends. Error unauthenticated for these, unknown and expired
  /// ones.
  virtual Result<LoginGrant> renew_login(std::string_view refresh_token, WallTime now) = 0;
  /// The log-ins of a user that can still be renewed, oldest first.
  virtual Result<std::vector<Login>> logins(UserId user, WallTime now) = 0;
  /// Ends a log-in (log-out). Error not_found when the user has no such one, or it has ended.
  virtual Status end_login(UserId user, LoginId login, WallTime now) = 0;
  /// Ends all log-ins of a user but `kept`; how many.
  virtual Result<uint64_t> end_other_logins(UserId user, LoginId kept, WallTime now) = 0;
  /// Ends all log-ins of a user, and every access token that was made for it up to `now`; how many
  /// log-ins.
  virtual Result<uint64_t> end_all_logins(UserId user, WallTime now) = 0;
  /// The log-ins that ended after `since`, and whole users' ends of any time: for a server that
  /// starts while access tokens of them may be valid. Asked for up to 30 days back.
  virtual Result<std::vector<AccountChanged>> ended_after(WallTime since) = 0;

 protected:
  void tell_ended(const AccountChanged& change) const {
    if (ended_) ended_(change);
  }

 private:
  EndedListener ended_;
};

}  // namespace chat
