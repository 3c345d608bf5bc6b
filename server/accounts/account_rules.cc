#include "server/accounts/account_rules.h"

#include <charconv>

#include "server/accounts/account_names.h"
#include "server/accounts/secrets.h"

namespace chat {
namespace {

/// What was asked, checked and in normal form, still without the password's hash.
Result<UserInsert> checked(const NewAccount& account) {
  UserInsert user;
  user.user = account.user;
  user.user_name = account.user_name;
  if (Status ok = check_user_name(account.user_name); !ok) return ok.error();
  if (!account.email.empty()) {
    Result<std::string> email = normal_email(account.email);
    if (!email) return email.error();
    user.email = std::move(*email);
  }
  if (!account.password.empty()) {
    if (Status ok = check_password(account.password); !ok) return ok.error();
  }
  return user;
}

}  // namespace

Result<UserInsert> checked_sign_up(const NewAccount& account) {
  if (account.user) {
    return make_error(ErrorCode::invalid_argument, "only an import gives a user an explicit id");
  }
  return checked(account);
}

Result<UserInsert> checked_import(const NewAccount& account) {
  const uint64_t id = account.user.value;
  if (id != 0 && (id < kImportedUserIdMin || id > kUserIdMax)) {
    return make_error(ErrorCode::invalid_argument,
                      "an explicit user id is between 2^40 and 2^63 - 1");
  }
  return checked(account);
}

Status hash_into(UserInsert& user, const std::string& password) {
  if (password.empty()) return {};
  Result<std::string> hash = hash_password(password);
  if (!hash) return hash.error();
  user.password_hash = std::move(*hash);
  return {};
}

Result<Account> find_by_key_in(AccountStore& store, std::string_view key) {
  if (key.find('@') != key.npos) return store.find_by_email(key);
  uint64_t id = 0;
  const auto parsed = std::from_chars(key.data(), key.data() + key.size(), id);
  const bool is_id = parsed.ec == std::errc() && parsed.ptr == key.data() + key.size();
  if (is_id && id > 0 && id <= kUserIdMax) return store.find(UserId{id});
  return store.find_by_name(key);
}

bool is_password_right(const std::string& hash, std::string_view password) {
  if (!hash.empty()) return verify_password(hash, password);
  verify_nothing(password);  // The time it takes must not tell who has an account.
  return false;
}

// ---------------------------------------------------------------- errors

Error no_such_user() { return make_error(ErrorCode::not_found, "there is no such user"); }
Error no_such_login() {
  return make_error(ErrorCode::not_found, "there is no such log-in, or it has ended");
}
Error name_taken() { return make_error(ErrorCode::already_exists, "the user name is taken"); }
Error email_taken() { return make_error(ErrorCode::already_exists, "the e-mail address is taken"); }
Error wrong_credentials() {
  return make_error(ErrorCode::unauthenticated, "the e-mail address or the password is wrong");
}

Error name_of_other(const std::string& user_name, UserId owner) {
  return make_error(ErrorCode::already_exists, "the user name " + user_name + " belongs to user " +
                                                   std::to_string(owner.value));
}
Error id_of_other(UserId user, const std::string& user_name) {
  return make_error(ErrorCode::already_exists,
                    "user " + std::to_string(user.value) + " exists with the name " + user_name);
}
Error email_of_other(const std::string& email, UserId owner) {
  return make_error(ErrorCode::already_exists, "the e-mail address " + email + " belongs to user " +
                                                   std::to_string(owner.value));
}

Error refresh_refused(RefreshRefusal refusal) {
  switch (refusal) {
    case RefreshRefusal::expired:
      return make_error(ErrorCode::unauthenticated, "the refresh token has expired; log in again");
    case RefreshRefusal::reused:
      return make_error(ErrorCode::unauthenticated,
                        "the refresh token was used before; its log-in has ended, log in again");
    case RefreshRefusal::ended:
      return make_error(ErrorCode::unauthenticated, "this log-in has ended; log in again");
    case RefreshRefusal::unknown:
      break;
  }
  return make_error(ErrorCode::unauthenticated, "the refresh token is not known");
}

}  // namespace chat
