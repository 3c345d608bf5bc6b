#include "server/accounts/account_rows.h"

#include <algorithm>
#include <unordered_map>

namespace chat {
namespace {

constexpr size_t kRowsPerQuery = 500;

std::string select_where(const char* condition) {
  return std::string("SELECT id, user_name, COALESCE(email, ''), created_ms FROM users WHERE ") +
         condition;
}

// Rows are fetched one by one: SOCI 4.0 reads whole vectors of SQLite's integers as 32 bits.
struct AccountRow {
  long long id = 0;
  std::string name;
  std::string email;
  long long created_ms = 0;

  Account account() const {
    return {UserId{static_cast<uint64_t>(id)}, name, email, WallTime{created_ms}};
  }
};

}  // namespace

std::optional<Account> select_account(soci::session& sql, UserColumn column,
                                      const std::string& value) {
  const char* condition = column == UserColumn::id          ? "id = CAST(:v AS INTEGER)"
                          : column == UserColumn::user_name ? "user_name = :v"
                                                            : "email = :v";
  AccountRow row;
  sql << select_where(condition), soci::into(row.id), soci::into(row.name), soci::into(row.email),
      soci::into(row.created_ms), soci::use(value);
  if (!sql.got_data()) return std::nullopt;
  return row.account();
}

std::vector<Account> select_accounts(soci::session& sql, UserId after, uint32_t limit) {
  const auto after_id = static_cast<long long>(after.value);
  const auto count = static_cast<long long>(limit);
  AccountRow row;
  soci::statement statement = (sql.prepare << select_where("id > :after ORDER BY id LIMIT :count"),
                               soci::into(row.id), soci::into(row.name), soci::into(row.email),
                               soci::into(row.created_ms), soci::use(after_id), soci::use(count));
  statement.execute();
  std::vector<Account> accounts;
  while (statement.fetch()) accounts.push_back(row.account());
  return accounts;
}

std::vector<std::optional<std::string>> select_names(soci::session& sql,
                                                     std::span<const UserId> users) {
  std::vector<std::optional<std::string>> result;
  result.reserve(users.size());
  for (size_t start = 0; start < users.size(); start += kRowsPerQuery) {
    const auto part = users.subspan(start, std::min(kRowsPerQuery, users.size() - start));
    std::string query = "SELECT id, user_name FROM users WHERE id IN (0";
    for (const UserId user : part) query += "," + std::to_string(user.value);
    long long id = 0;
    std::string name;
    soci::statement statement = (sql.prepare << query + ")", soci::into(id), soci::into(name));
    statement.execute();
    std::unordered_map<uint64_t, std::string> found;
    while (statement.fetch()) found.emplace(static_cast<uint64_t>(id), name);
    for (const UserId user : part) {
      const auto named = found.find(user.value);
      result.push_back(named == found.end() ? std::nullopt : std::optional(named->second));
    }
  }
  return result;
}

std::vector<UserId> select_user_ids(soci::session& sql) {
  long long id = 0;
  std::vector<UserId> users;
  soci::statement statement = (sql.prepare << "SELECT id FROM users", soci::into(id));
  statement.execute();
  while (statement.fetch()) users.push_back(UserId{static_cast<uint64_t>(id)});
  return users;
}

// ---------------------------------------------------------------- inserting

UserInserter::UserInserter(soci::session& sql)
    : sql_(sql),
      name_of_id_((sql.prepare << "SELECT user_name FROM users WHERE id = :id",
                   soci::into(found_name_), soci::use(id_))),
      id_of_name_((sql.prepare << "SELECT id FROM users WHERE user_name = :name",
                   soci::into(found_id_), soci::use(name_))),
      id_of_email_((sql.prepare << "SELECT id FROM users WHERE email = :email",
                    soci::into(found_id_), soci::use(email_))),
      insert_((sql.prepare << "INSERT INTO users (id, user_name, email, password_hash, created_ms)"
                              " VALUES (:id, :name, :email, :hash, :created)",
               soci::use(id_), soci::use(name_), soci::use(email_, email_state_),
               soci::use(hash_, hash_state_), soci::use(created_ms_))) {}

Account UserInserter::insert(const UserInsert& user, WallTime now) {
  const UserId id = user.user ? user.user : next_id();
  id_ = static_cast<long long>(id.value);
  name_ = user.user_name;
  email_ = user.email;
  email_state_ = user.email.empty() ? soci::i_null : soci::i_ok;
  hash_ = user.password_hash;
  hash_state_ = user.password_hash.empty() ? soci::i_null : soci::i_ok;
  created_ms_ = now.ms;
  insert_.execute(true);
  return {id, user.user_name, user.email, now};
}

Result<Imported> UserInserter::import(const UserInsert& user, WallTime now) {
  id_ = static_cast<long long>(user.user.value);
  name_ = user.user_name;
  email_ = user.email;
  const bool is_taken = id_of_name_.execute(true);
  const UserId owner{is_taken ? static_cast<uint64_t>(found_id_) : 0};
  if (is_taken && (!user.user || user.user == owner)) return Imported{owner, false};
  if (is_taken) return name_of_other(user.user_name, owner);
  if (user.user && name_of_id_.execute(true)) return id_of_other(user.user, found_name_);
  if (!user.email.empty() && id_of_email_.execute(true)) {
    return email_of_other(user.email, UserId{static_cast<uint64_t>(found_id_)});
  }
  return Imported{insert(user, now).user, true};
}

UserId UserInserter::next_id() {
  long long id = 0;
  sql_ << "UPDATE counters SET value = value + 1 WHERE name = 'last_user_id'";
  sql_ << "SELECT value FROM counters WHERE name = 'last_user_id'", soci::into(id);
  return UserId{static_cast<uint64_t>(id)};
}

}  // namespace chat
