// The durable ChatStore of one machine, on RocksDB: one directory, one process, one synced write
// batch per ChatStore::write call. This header does not include RocksDB. Thread rule: as ChatStore
// says.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "core/base/error.h"
#include "core/store/chat_store.h"

namespace chat {

struct RocksStoreOptions {
  std::string dir;  ///< Made, with its parents, when it does not exist.
  uint64_t block_cache_bytes = 128ull << 20;
  uint64_t write_buffers_bytes = 128ull << 20;  ///< All memtables together, about.
  int open_files_max = 512;
  /// The present wall time, for what expires; the system's clock unless set.
  std::function<int64_t()> wall_ms{};
  /// Hears RocksDB's warnings, and why a batch was not written (its commands answer `unknown`).
  /// Called from any thread.
  std::function<void(std::string_view)> log{};
};

/// Opens the store, and makes it with a new epoch when the directory holds none.
/// Errors name the directory and the remedy: unavailable (not writable, held by another process),
/// corrupt, invalid_argument (made by another version or not ours).
Result<std::unique_ptr<ChatStore>> open_rocks_store(const RocksStoreOptions& options);

/// Compacts a store that nobody has open, so that the disk gets back what was reclaimed.
/// Errors: as open_rocks_store().
Status compact_rocks_store(const RocksStoreOptions& options);

}  // namespace chat
