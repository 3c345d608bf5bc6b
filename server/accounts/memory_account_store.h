// The AccountStore in memory: what ends with the process. For tests, and the simplest reading of
// what an implementation has to do. Thread rule: as AccountStore.
#pragma once

#include <memory>

#include "server/accounts/account_store.h"

namespace chat {

struct MemoryAccountStoreOptions {
  Duration refresh_ttl = seconds(30 * 24 * 3600);
};

/// Errors: internal (no libsodium).
Result<std::unique_ptr<AccountStore>> make_memory_account_store(
    const MemoryAccountStoreOptions& options = {});

}  // namespace chat
