// What every AccountStore checks and answers alike: new accounts in normal form, the keys of
// operators, and the errors. Internal to this folder. Thread rule: plain functions.
#pragma once

#include <string>
#include <string_view>

#include "core/base/error.h"
#include "server/accounts/account_store.h"

namespace chat {

inline constexpr uint32_t kAccountListMax = 1'000;
/// A log-in that has ended is remembered so long: no access token of it lasts longer.
inline constexpr Duration kEndedLoginKept = seconds(31 * 24 * 3600);

/// A checked user, ready to be stored.
struct UserInsert {
  UserId user;  ///< none = the store gives one.
  std::string user_name;
  std::string email;          ///< Lower case, or empty.
  std::string password_hash;  ///< Or empty.
};

/// A sign-up in normal form, still without the password's hash.
Result<UserInsert> checked_sign_up(const NewAccount& account);
/// The same for a line of an import.
Result<UserInsert> checked_import(const NewAccount& account);
/// Hashes the password, if there is one, into `user`.
Status hash_into(UserInsert& user, const std::string& password);

/// What find_by_key() means: finds by id, e-mail address or name, whichever the key looks like.
Result<Account> find_by_key_in(AccountStore& store, std::string_view key);

/// Whether the password is that of the hash; an empty hash takes as long and is never right.
bool is_password_right(const std::string& hash, std::string_view password);

Error no_such_user();
Error no_such_login();
Error name_taken();
Error email_taken();
Error wrong_credentials();
/// An import's user whose id, name or address belongs to another.
Error name_of_other(const std::string& user_name, UserId owner);
Error id_of_other(UserId user, const std::string& user_name);
Error email_of_other(const std::string& email, UserId owner);

/// Why a refresh token is not taken.
enum class RefreshRefusal { unknown, expired, ended, reused };
Error refresh_refused(RefreshRefusal refusal);

}  // namespace chat
