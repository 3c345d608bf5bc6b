#include "server/accounts/database.h"

#include <soci/sqlite3/soci-sqlite3.h>

#include <array>
#include <filesystem>
#include <span>

#include "server/accounts/account_rules.h"

namespace chat {
namespace {

// One list of statements per version of the schema; what was released is never edited.
constexpr std::array kVersion1{
    "CREATE TABLE users (id INTEGER PRIMARY KEY, user_name TEXT NOT NULL COLLATE NOCASE UNIQUE,"
    " email TEXT UNIQUE, password_hash TEXT, created_ms INTEGER NOT NULL,"
    // Tokens that were made up to then are refused.
    " tokens_ended_ms INTEGER NOT NULL DEFAULT 0)",
    // The last id that the store gave. Not AUTOINCREMENT: that would go on above imported ids.
    "CREATE TABLE counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL)",
    "INSERT INTO counters (name, value) VALUES ('last_user_id', 0)",
    // Ids are never given twice: access tokens name them.
    "CREATE TABLE logins (id INTEGER PRIMARY KEY AUTOINCREMENT,"
    " user_id INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,"
    " created_ms INTEGER NOT NULL, used_ms INTEGER NOT NULL, ended_ms INTEGER)",
    "CREATE INDEX logins_user ON logins (user_id)",
    "CREATE INDEX logins_ended ON logins (ended_ms) WHERE ended_ms IS NOT NULL",
    "CREATE TABLE refresh_tokens (hash TEXT PRIMARY KEY, login_id INTEGER NOT NULL"
    " REFERENCES logins (id) ON DELETE CASCADE, expires_ms INTEGER NOT NULL, used_ms INTEGER)",
    "CREATE INDEX refresh_tokens_expires ON refresh_tokens (expires_ms)",
    "CREATE INDEX refresh_tokens_login ON refresh_tokens (login_id)",
};
const std::array<std::span<const char* const>, 1> kMigrations{kVersion1};

int result_of(const soci::soci_error& error) {
  const auto* sqlite = dynamic_cast<const soci::sqlite3_soci_error*>(&error);
  return sqlite ? sqlite->result() : 0;
}

}  // namespace

Result<std::unique_ptr<AccountDatabase>> AccountDatabase::open(const std::string& path) {
  if (path.find('"') != path.npos) {
    return make_error(ErrorCode::invalid_argument,
                      "account database " + path + ": the path has a quotation mark; use another");
  }
  std::unique_ptr<AccountDatabase> database(new AccountDatabase(path));
  try {
    database->connect();
  } catch (const soci::soci_error& error) {
    return database->to_error(error);
  }
  if (Status migrated = database->migrate(); !migrated) return migrated.error();
  return database;
}

void AccountDatabase::connect() {
  std::error_code ignored;
  std::filesystem::create_directories(std::filesystem::path(path_).parent_path(), ignored);
  session_.open(soci::sqlite3, "db=\"" + path_ + "\" timeout=10");
  session_ << "PRAGMA foreign_keys = ON";
  session_ << "PRAGMA synchronous = FULL";
  std::string mode;
  session_ << "PRAGMA journal_mode = WAL", soci::into(mode);
}

Status AccountDatabase::migrate() {
  return run([&](soci::session& sql) -> Status {
    sql << "CREATE TABLE IF NOT EXISTS schema_version (version INTEGER NOT NULL)";
    int version = 0;
    sql << "SELECT max(version) FROM schema_version HAVING max(version) IS NOT NULL",
        soci::into(version);
    if (version < 0 || static_cast<size_t>(version) > kMigrations.size()) {
      return make_error(ErrorCode::invalid_argument,
                        "account database " + path_ + ": its schema is version " +
                            std::to_string(version) + ", this program knows up to " +
                            std::to_string(kMigrations.size()) + "; use the version that made it");
    }
    for (size_t i = static_cast<size_t>(version); i < kMigrations.size(); ++i) {
      for (const char* statement : kMigrations[i]) sql << statement;
      sql << "INSERT INTO schema_version (version) VALUES (" << i + 1 << ")";
    }
    return {};
  });
}

Error AccountDatabase::to_error(const soci::soci_error& error) const {
  const std::string text = error.what();
  const std::string at = "account database " + path_ + ": ";
  if (text.find("UNIQUE constraint failed: users.email") != text.npos) {
    return email_taken();
  }
  if (text.find("UNIQUE constraint failed: users.user_name") != text.npos) {
    return name_taken();
  }
  switch (result_of(error)) {
    case SQLITE_NOTADB:
    case SQLITE_CORRUPT:
      return make_error(ErrorCode::corrupt,
                        at +
                            "it is damaged or no database; restore a backup, or move it away to "
                            "start without users (" +
                            text + ")");
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return make_error(ErrorCode::unavailable,
                        at + "another process holds it; stop that process (" + text + ")");
    case SQLITE_CANTOPEN:
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_FULL:
    case SQLITE_IOERR:
      return make_error(ErrorCode::unavailable,
                        at +
                            "it cannot be written; check that its directory exists and is "
                            "writable and that the disk has room (" +
                            text + ")");
    default:
      return make_error(ErrorCode::internal, at + text);
  }
}

}  // namespace chat
