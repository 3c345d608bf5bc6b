#include "server/accounts/account_store.h"

#include <algorithm>
#include <charconv>

#include "server/accounts/account_names.h"
#include "server/accounts/account_rows.h"
#include "server/accounts/database.h"
#include "server/accounts/known_users.h"
#include "server/accounts/refresh_rows.h"
#include "server/accounts/secrets.h"

namespace chat {
namespace {

constexpr uint32_t kListMax = 1'000;

Error no_such_user() { return make_error(ErrorCode::not_found, "there is no such user"); }

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

Result<UserInsert> checked_import(const NewAccount& account) {
  const uint64_t id = account.user.value;
  if (id != 0 && (id < kImportedUserIdMin || id > kUserIdMax)) {
    return make_error(ErrorCode::invalid_argument,
                      "an explicit user id is between 2^40 and 2^63 - 1");
  }
  return checked(account);
}

/// Hashes the password, if there is one, into `user`.
Status hash_into(UserInsert& user, const std::string& password) {
  if (password.empty()) return {};
  Result<std::string> hash = hash_password(password);
  if (!hash) return hash.error();
  user.password_hash = std::move(*hash);
  return {};
}

Error refresh_refused(Rotation::Outcome outcome) {
  switch (outcome) {
    case Rotation::Outcome::expired:
      return make_error(ErrorCode::unauthenticated, "the refresh token has expired; log in again");
    case Rotation::Outcome::reused:
      return make_error(ErrorCode::unauthenticated,
                        "the refresh token was used before; its log-in is revoked, log in again");
    case Rotation::Outcome::revoked:
      return make_error(ErrorCode::unauthenticated, "this log-in was revoked; log in again");
    default:
      return make_error(ErrorCode::unauthenticated, "the refresh token is not known");
  }
}

class SqlAccountStore : public AccountStore {
 public:
  SqlAccountStore(std::unique_ptr<AccountDatabase> database, Duration refresh_ttl)
      : database_(std::move(database)), refresh_ttl_(refresh_ttl) {}

  Status load_known_users() {
    const auto users = database_->run(
        [](soci::session& sql) -> Result<std::vector<UserId>> { return select_user_ids(sql); });
    if (!users) return users.error();
    known_.add(*users);
    return {};
  }

  Result<Account> create(const NewAccount& account, WallTime now) override;
  std::vector<Result<Imported>> import(std::span<const NewAccount> accounts, WallTime now) override;
  Result<Account> find(UserId user) override;
  Result<Account> find_by_name(std::string_view user_name) override;
  Result<Account> find_by_email(std::string_view email) override;
  Result<Account> find_by_key(std::string_view key) override;
  Result<AccountPage> list(UserId after, uint32_t limit) override;
  Result<Account> rename(UserId user, const std::string& user_name) override;
  Result<std::vector<std::optional<std::string>>> names(std::span<const UserId> users) override;
  Result<Account> log_in(std::string_view email, std::string_view password) override;

  std::vector<UserId> missing(std::span<const UserId> users) const override {
    return known_.missing(users);
  }
  uint64_t user_count() const override { return known_.size(); }

  Result<std::string> issue_refresh_token(UserId user, WallTime now) override;
  Result<RefreshGrant> rotate_refresh_token(std::string_view token, WallTime now) override;
  Status revoke_refresh_token(std::string_view token, WallTime now) override;

 private:
  Result<Account> find_where(UserColumn column, const std::string& value);
  bool is_known_name(const std::string& user_name);

  const std::unique_ptr<AccountDatabase> database_;
  const Duration refresh_ttl_;
  KnownUsers known_;
};

// ---------------------------------------------------------------- making users

Result<Account> SqlAccountStore::create(const NewAccount& account, WallTime now) {
  if (account.user) {
    return make_error(ErrorCode::invalid_argument, "only an import gives a user an explicit id");
  }
  Result<UserInsert> user = checked(account);
  if (!user) return user.error();
  if (Status hashed = hash_into(*user, account.password); !hashed) return hashed.error();
  const auto created = database_->run(
      [&](soci::session& sql) -> Result<Account> { return UserInserter(sql).insert(*user, now); });
  if (created) known_.add({&created->user, 1});
  return created;
}

std::vector<Result<Imported>> SqlAccountStore::import(std::span<const NewAccount> accounts,
                                                      WallTime now) {
  std::vector<Result<UserInsert>> users;
  users.reserve(accounts.size());
  for (const NewAccount& account : accounts) {
    Result<UserInsert> user = checked_import(account);
    // Argon2id takes its time: not inside the transaction, and not for those who will be skipped.
    if (user && !account.password.empty() && !is_known_name(account.user_name)) {
      if (Status hashed = hash_into(*user, account.password); !hashed) user = hashed.error();
    }
    users.push_back(std::move(user));
  }
  using Results = std::vector<Result<Imported>>;
  Result<Results> results = database_->run([&](soci::session& sql) -> Result<Results> {
    UserInserter inserter(sql);
    Results done;
    done.reserve(users.size());
    for (const Result<UserInsert>& user : users) {
      done.push_back(user ? inserter.import(*user, now) : Result<Imported>(user.error()));
    }
    return done;
  });
  if (!results) return Results(accounts.size(), results.error());
  std::vector<UserId> made;
  for (const Result<Imported>& result : *results) {
    if (result) made.push_back(result->user);
  }
  known_.add(made);
  return std::move(*results);
}

bool SqlAccountStore::is_known_name(const std::string& user_name) {
  return find_where(UserColumn::user_name, user_name).has_value();
}

// ---------------------------------------------------------------- finding users

Result<Account> SqlAccountStore::find_where(UserColumn column, const std::string& value) {
  return database_->run([&](soci::session& sql) -> Result<Account> {
    std::optional<Account> account = select_account(sql, column, value);
    if (!account) return no_such_user();
    return std::move(*account);
  });
}

Result<Account> SqlAccountStore::find(UserId user) {
  return find_where(UserColumn::id, std::to_string(user.value));
}

Result<Account> SqlAccountStore::find_by_name(std::string_view user_name) {
  return find_where(UserColumn::user_name, std::string(user_name));
}

Result<Account> SqlAccountStore::find_by_email(std::string_view email) {
  const Result<std::string> normal = normal_email(email);
  if (!normal) return no_such_user();
  return find_where(UserColumn::email, *normal);
}

Result<Account> SqlAccountStore::find_by_key(std::string_view key) {
  if (key.find('@') != key.npos) return find_by_email(key);
  uint64_t id = 0;
  const auto parsed = std::from_chars(key.data(), key.data() + key.size(), id);
  const bool is_id = parsed.ec == std::errc() && parsed.ptr == key.data() + key.size();
  if (is_id && id > 0 && id <= kUserIdMax) return find(UserId{id});
  return find_by_name(key);
}

Result<AccountPage> SqlAccountStore::list(UserId after, uint32_t limit) {
  limit = std::clamp<uint32_t>(limit, 1, kListMax);
  return database_->run([&](soci::session& sql) -> Result<AccountPage> {
    AccountPage page;
    page.accounts = select_accounts(sql, after, limit + 1);
    if (page.accounts.size() > limit) {
      page.accounts.pop_back();
      page.next_after = page.accounts.back().user;
    }
    return page;
  });
}

Result<std::vector<std::optional<std::string>>> SqlAccountStore::names(
    std::span<const UserId> users) {
  using Names = std::vector<std::optional<std::string>>;
  return database_->run(
      [&](soci::session& sql) -> Result<Names> { return select_names(sql, users); });
}

Result<Account> SqlAccountStore::rename(UserId user, const std::string& user_name) {
  if (Status ok = check_user_name(user_name); !ok) return ok.error();
  return database_->run([&](soci::session& sql) -> Result<Account> {
    const auto id = static_cast<long long>(user.value);
    sql << "UPDATE users SET user_name = :name WHERE id = :id", soci::use(user_name), soci::use(id);
    std::optional<Account> account = select_account(sql, UserColumn::id, std::to_string(id));
    if (!account) return no_such_user();
    return std::move(*account);
  });
}

// ---------------------------------------------------------------- credentials

Result<Account> SqlAccountStore::log_in(std::string_view email, std::string_view password) {
  const Error refused =
      make_error(ErrorCode::unauthenticated, "the e-mail address or the password is wrong");
  const Result<Account> account = find_by_email(email);
  if (!account && account.error().code != ErrorCode::not_found) return account.error();
  std::string hash;
  if (account) {
    const auto found = database_->run([&](soci::session& sql) -> Result<std::string> {
      const auto id = static_cast<long long>(account->user.value);
      std::string stored;
      sql << "SELECT COALESCE(password_hash, '') FROM users WHERE id = :id", soci::into(stored),
          soci::use(id);
      return stored;
    });
    if (!found) return found.error();
    hash = *found;
  }
  if (hash.empty()) {
    verify_nothing(password);  // The time it takes must not tell who has an account.
    return refused;
  }
  if (!verify_password(hash, password)) return refused;
  return account;
}

Result<std::string> SqlAccountStore::issue_refresh_token(UserId user, WallTime now) {
  if (!missing({&user, 1}).empty()) return no_such_user();
  return database_->run([&](soci::session& sql) -> Result<std::string> {
    return open_refresh_family(sql, user, now, refresh_ttl_);
  });
}

Result<RefreshGrant> SqlAccountStore::rotate_refresh_token(std::string_view token, WallTime now) {
  const auto rotation = database_->run([&](soci::session& sql) -> Result<Rotation> {
    return rotate_refresh(sql, token, now, refresh_ttl_);
  });
  if (!rotation) return rotation.error();
  if (rotation->outcome != Rotation::Outcome::rotated) return refresh_refused(rotation->outcome);
  Result<Account> account = find(rotation->user);
  if (!account) return account.error();
  return RefreshGrant{std::move(*account), rotation->token};
}

Status SqlAccountStore::revoke_refresh_token(std::string_view token, WallTime now) {
  return database_->run([&](soci::session& sql) -> Status {
    revoke_refresh_family(sql, token, now);
    return {};
  });
}

}  // namespace

Result<std::unique_ptr<AccountStore>> AccountStore::open(const AccountStoreOptions& options) {
  if (Status ready = init_secrets(); !ready) return ready.error();
  auto database = AccountDatabase::open(options.path);
  if (!database) return database.error();
  auto store = std::make_unique<SqlAccountStore>(std::move(*database), options.refresh_ttl);
  if (Status loaded = store->load_known_users(); !loaded) return loaded.error();
  return std::unique_ptr<AccountStore>(std::move(store));
}

}  // namespace chat
