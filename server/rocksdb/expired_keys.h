// ExpiredKeys: what RocksDB drops while it compacts the column family `sent`: keys of sends after
// their date. Internal to this folder. Thread rule: any thread.
#pragma once

#include <rocksdb/compaction_filter.h>

#include <cstdint>
#include <functional>
#include <memory>

namespace chat::rocks {

/// `wall_ms` gives the present time.
std::shared_ptr<rocksdb::CompactionFilterFactory> drop_expired_keys(
    std::function<int64_t()> wall_ms);

}  // namespace chat::rocks
