// The SQL of the users table, used inside AccountDatabase::run. Internal to this folder. Throws
// soci_error, which run() maps. Thread rule: the thread that runs the transaction.
#pragma once

#include <soci/soci.h>

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/base/error.h"
#include "server/accounts/account_rules.h"

namespace chat {

/// Which column identifies a user.
enum class UserColumn { id, user_name, email };

/// `value` is the text form of the column's value.
std::optional<Account> select_account(soci::session& sql, UserColumn column,
                                      const std::string& value);
/// Up to `limit` accounts with ids above `after`, by id.
std::vector<Account> select_accounts(soci::session& sql, UserId after, uint32_t limit);
/// In the order of `users`.
std::vector<std::optional<std::string>> select_names(soci::session& sql,
                                                     std::span<const UserId> users);
std::vector<UserId> select_user_ids(soci::session& sql);

/// Inserts users with statements that are prepared once.
class UserInserter {
 public:
  explicit UserInserter(soci::session& sql);

  /// Throws when the name or e-mail address is taken.
  Account insert(const UserInsert& user, WallTime now);
  /// Skips a user who is there already; Error already_exists when id, name or address belong to
  /// another.
  Result<Imported> import(const UserInsert& user, WallTime now);

 private:
  UserId next_id();

  soci::session& sql_;
  // The statements below are bound to these.
  long long id_ = 0;
  std::string name_;
  std::string email_;
  soci::indicator email_state_ = soci::i_null;
  std::string hash_;
  soci::indicator hash_state_ = soci::i_null;
  long long created_ms_ = 0;
  long long found_id_ = 0;
  std::string found_name_;
  soci::statement name_of_id_;
  soci::statement id_of_name_;
  soci::statement id_of_email_;
  soci::statement insert_;
};

}  // namespace chat
