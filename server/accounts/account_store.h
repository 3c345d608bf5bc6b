// AccountStore: users, their credentials and refresh tokens, in SQLite through SOCI. Passwords are
// kept only as Argon2id hashes, refresh tokens only as SHA-256. It also answers from memory which
// user ids exist. This header includes no SQL. Owns the database; one process opens it at a time.
// Thread rule: every function from any thread; all but missing() and user_count() block on the
// disk, those with a password for about 50 ms of CPU: use a JobPool.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/error.h"
#include "core/base/ids.h"
#include "core/base/time.h"

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

struct RefreshGrant {
  Account account;
  std::string refresh_token;
};

struct AccountStoreOptions {
  std::string path;  ///< The database file; made when it does not exist.
  Duration refresh_ttl = seconds(30 * 24 * 3600);
};

class AccountStore {
 public:
  /// Errors name the file and the remedy: unavailable (not writable), corrupt, invalid_argument
  /// (newer version).
  static Result<std::unique_ptr<AccountStore>> open(const AccountStoreOptions& options);
  virtual ~AccountStore() = default;

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

  // -- refresh tokens

  /// A token of a new family: one log-in of one device.
  virtual Result<std::string> issue_refresh_token(UserId user, WallTime now) = 0;
  /// Replaces a token by the next one of its family. A token that was replaced before is stolen or
  /// repeated: its family is revoked. Error unauthenticated for these, unknown and expired ones.
  virtual Result<RefreshGrant> rotate_refresh_token(std::string_view token, WallTime now) = 0;
  /// Revokes the family of a token (log-out). An unknown token is no error.
  virtual Status revoke_refresh_token(std::string_view token, WallTime now) = 0;
};

}  // namespace chat
