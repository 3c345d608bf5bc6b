// The AccountStore on SQLite, through SOCI. This header includes no SQL. It owns the database; one
// process opens it at a time. Thread rule: as AccountStore.
#pragma once

#include <memory>
#include <string>

#include "server/accounts/account_store.h"

namespace chat {

struct SqlAccountStoreOptions {
  std::string path;  ///< The database file; made when it does not exist.
  Duration refresh_ttl = seconds(30 * 24 * 3600);
};

/// Errors name the file and the remedy: unavailable (not writable), corrupt, invalid_argument
/// (newer version).
Result<std::unique_ptr<AccountStore>> open_sql_account_store(const SqlAccountStoreOptions& options);

}  // namespace chat
