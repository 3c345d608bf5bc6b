#include "server/accounts/sql_account_store.h"

#include <algorithm>

#include "server/accounts/account_names.h"
#include "server/accounts/account_rows.h"
#include "server/accounts/database.h"
#include "server/accounts/known_users.h"
#include "server/accounts/login_rows.h"
#include "server/accounts/secrets.h"

namespace chat {
namespace {

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
  Result<Account> find_by_key(std::string_view key) override { return find_by_key_in(*this, key); }
  Result<AccountPage> list(UserId after, uint32_t limit) override;
  Result<Account> rename(UserId user, const std::string& user_name) override;
  Result<std::vector<std::optional<std::string>>> names(std::span<const UserId> users) override;
  Result<Account> log_in(std::string_view email, std::string_view password) override;

  std::vector<UserId> missing(std::span<const UserId> users) const override {
    return known_.missing(users);
  }
  uint64_t user_count() const override { return known_.size(); }

  Result<LoginGrant> open_login(UserId user, WallTime now) override;
  Result<LoginGrant> renew_login(std::string_view refresh_token, WallTime now) override;
  Result<std::vector<Login>> logins(UserId user, WallTime now) override;
  Status end_login(UserId user, LoginId login, WallTime now) override;
  Result<uint64_t> end_other_logins(UserId user, LoginId kept, WallTime now) override;
  Result<uint64_t> end_all_logins(UserId user, WallTime now) override;
  Result<std::vector<AccountChanged>> ended_after(WallTime since) override;

 private:
  Result<Account> find_where(UserColumn column, const std::string& value);
  bool is_known_name(const std::string& user_name);

  const std::unique_ptr<AccountDatabase> database_;
  const Duration refresh_ttl_;
  KnownUsers known_;
};

// ---------------------------------------------------------------- making users

Result<Account> SqlAccountStore::create(const NewAccount& account, WallTime now) {
  Result<UserInsert> user = checked_sign_up(account);
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

Result<AccountPage> SqlAccountStore::list(UserId after, uint32_t limit) {
  limit = std::clamp<uint32_t>(limit, 1, kAccountListMax);
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
  if (!is_password_right(hash, password)) return wrong_credentials();
  return account;
}

// ---------------------------------------------------------------- log-ins

Result<LoginGrant> SqlAccountStore::open_login(UserId user, WallTime now) {
  return database_->run([&](soci::session& sql) -> Result<LoginGrant> {
    std::optional<Account> account =
        select_account(sql, UserColumn::id, std::to_string(user.value));
    if (!account) return no_such_user();
    OpenedLogin opened = insert_login(sql, user, now, refresh_ttl_);
    return LoginGrant{std::move(*account), opened.login, std::move(opened.refresh_token)};
  });
}

Result<LoginGrant> SqlAccountStore::renew_login(std::string_view refresh_token, WallTime now) {
  const auto renewal = database_->run([&](soci::session& sql) -> Result<Renewal> {
    return renew_login_row(sql, refresh_token, now, refresh_ttl_);
  });
  if (!renewal) return renewal.error();
  if (renewal->refusal == RefreshRefusal::reused) {
    tell_ended({.user = renewal->user, .ended = {renewal->login}});
  }
  if (renewal->refusal) return refresh_refused(*renewal->refusal);
  Result<Account> account = find(renewal->user);
  if (!account) return account.error();
  return LoginGrant{std::move(*account), renewal->login, renewal->refresh_token};
}

Result<std::vector<Login>> SqlAccountStore::logins(UserId user, WallTime now) {
  using Logins = std::vector<Login>;
  return database_->run(
      [&](soci::session& sql) -> Result<Logins> { return select_logins(sql, user, now); });
}

Status SqlAccountStore::end_login(UserId user, LoginId login, WallTime now) {
  const Status ended = database_->run([&](soci::session& sql) -> Status {
    if (end_login_rows(sql, user, login, std::nullopt, now).empty()) return no_such_login();
    return {};
  });
  if (ended) tell_ended({.user = user, .ended = {login}});
  return ended;
}

Result<uint64_t> SqlAccountStore::end_other_logins(UserId user, LoginId kept, WallTime now) {
  using Logins = std::vector<LoginId>;
  const auto ended = database_->run([&](soci::session& sql) -> Result<Logins> {
    return end_login_rows(sql, user, std::nullopt, kept, now);
  });
  if (!ended) return ended.error();
  if (!ended->empty()) tell_ended({.user = user, .ended = *ended});
  return ended->size();
}

Result<uint64_t> SqlAccountStore::end_all_logins(UserId user, WallTime now) {
  using Logins = std::vector<LoginId>;
  const auto ended = database_->run([&](soci::session& sql) -> Result<Logins> {
    if (!select_account(sql, UserColumn::id, std::to_string(user.value))) return no_such_user();
    end_tokens_of_user(sql, user, now);
    return end_login_rows(sql, user, std::nullopt, std::nullopt, now);
  });
  if (!ended) return ended.error();
  tell_ended({.user = user, .ended = *ended, .ended_until = now});
  return ended->size();
}

Result<std::vector<AccountChanged>> SqlAccountStore::ended_after(WallTime since) {
  using Changes = std::vector<AccountChanged>;
  return database_->run(
      [&](soci::session& sql) -> Result<Changes> { return select_ended_after(sql, since); });
}

}  // namespace

Result<std::unique_ptr<AccountStore>> open_sql_account_store(
    const SqlAccountStoreOptions& options) {
  if (Status ready = init_secrets(); !ready) return ready.error();
  auto database = AccountDatabase::open(options.path);
  if (!database) return database.error();
  auto store = std::make_unique<SqlAccountStore>(std::move(*database), options.refresh_ttl);
  if (Status loaded = store->load_known_users(); !loaded) return loaded.error();
  return std::unique_ptr<AccountStore>(std::move(store));
}

}  // namespace chat
