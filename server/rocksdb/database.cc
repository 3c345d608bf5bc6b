#include "server/rocksdb/database.h"

#include <rocksdb/cache.h>
#include <rocksdb/env.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/options.h>
#include <rocksdb/slice_transform.h>
#include <rocksdb/table.h>
#include <rocksdb/write_batch.h>
#include <sys/random.h>

#include <array>
#include <chrono>
#include <cstdarg>
#include <cstdio>
#include <filesystem>

#include "server/rocksdb/expired_keys.h"

namespace chat::rocks {
namespace {

struct FamilySpec {
  const char* name;     ///< Frozen.
  size_t prefix_bytes;  ///< Of the prefix bloom filter; 0 = whole keys only.
  size_t write_buffer_bytes;
};
constexpr size_t kMiB = 1 << 20;
constexpr size_t kFamilyCount = 12;
constexpr std::array<FamilySpec, kFamilyCount> kFamilies{{
    {"default", 0, 1 * kMiB},
    {"event", ChatId::kSize, 32 * kMiB},
    {"chat", 0, 16 * kMiB},
    {"pending", 0, 4 * kMiB},
    {"member", ChatId::kSize, 16 * kMiB},
    {"sent", 0, 16 * kMiB},
    {"inbox", kUserBytes, 32 * kMiB},
    {"user_chat", kUserBytes, 16 * kMiB},
    {"author", kUserBytes, 16 * kMiB},
    {"user", 0, 16 * kMiB},
    {"agenda", 0, 4 * kMiB},
    {"device", kUserBytes, 16 * kMiB},
}};

// Frozen.
constexpr std::string_view kFormatKey = "format";
constexpr std::string_view kEpochKey = "epoch";
constexpr std::string_view kFormat = "1";

/// Where little is written, tables are rewritten after this, so that deleted rows leave the disk.
constexpr uint64_t kRewriteSeconds = 7 * 24 * 3600;

int64_t system_wall_ms() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
}

/// Hands RocksDB's warnings to the options' log. A log file of its own could fill the disk, and
/// RocksDB ends the process when its log file cannot be written.
class WarningLog : public rocksdb::Logger {
 public:
  explicit WarningLog(std::function<void(std::string_view)> log)
      : rocksdb::Logger(rocksdb::WARN_LEVEL), log_(std::move(log)) {}

  using rocksdb::Logger::Logv;
  void Logv(const char* format, va_list arguments) override {
    if (!log_) return;
    std::array<char, 512> line;
    const int size = vsnprintf(line.data(), line.size(), format, arguments);
    if (size > 0) log_(line.data());
  }

 private:
  const std::function<void(std::string_view)> log_;
};

rocksdb::DBOptions db_options(const RocksStoreOptions& options) {
  rocksdb::DBOptions db;
  db.create_if_missing = true;
  db.create_missing_column_families = true;
  db.max_open_files = options.open_files_max;
  db.db_write_buffer_size = options.write_buffers_bytes;
  db.max_total_wal_size = 2 * options.write_buffers_bytes;
  db.bytes_per_sync = kMiB;
  db.info_log = std::make_shared<WarningLog>(options.log);
  // A torn last record was never answered. Damage before it must not be skipped in silence.
  db.wal_recovery_mode = rocksdb::WALRecoveryMode::kTolerateCorruptedTailRecords;
  return db;
}

std::vector<rocksdb::ColumnFamilyDescriptor> descriptors(const RocksStoreOptions& options) {
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = rocksdb::NewLRUCache(options.block_cache_bytes);
  table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));
  table.cache_index_and_filter_blocks = true;
  table.pin_l0_filter_and_index_blocks_in_cache = true;
  table.format_version = 5;
  const std::shared_ptr<rocksdb::TableFactory> factory(rocksdb::NewBlockBasedTableFactory(table));
  std::vector<rocksdb::ColumnFamilyDescriptor> result;
  for (const FamilySpec& spec : kFamilies) {
    rocksdb::ColumnFamilyOptions family;
    family.table_factory = factory;
    family.write_buffer_size = spec.write_buffer_bytes;
    family.compression = rocksdb::kLZ4Compression;
    family.periodic_compaction_seconds = kRewriteSeconds;
    if (spec.name == kFamilies[static_cast<size_t>(Family::sent)].name) {
      family.compaction_filter_factory =
          drop_expired_keys(options.wall_ms ? options.wall_ms : system_wall_ms);
    }
    if (spec.prefix_bytes > 0) {
      family.prefix_extractor.reset(rocksdb::NewFixedPrefixTransform(spec.prefix_bytes));
      family.memtable_prefix_bloom_size_ratio = 0.05;
    } else {
      family.memtable_whole_key_filtering = true;
      family.memtable_prefix_bloom_size_ratio = 0.05;
    }
    result.emplace_back(spec.name, family);
  }
  return result;
}

Error open_error(const rocksdb::Status& status, const std::string& dir) {
  const std::string text = status.ToString();
  const std::string at = "store directory " + dir + ": ";
  // RocksDB has no code for a held lock, only these texts (this process; another one).
  const bool held = text.find("lock hold by") != text.npos || text.find("hile lock") != text.npos;
  if (held && status.IsIOError()) {
    return make_error(ErrorCode::unavailable,
                      at +
                          "another process has it open; stop that process or use another "
                          "data directory (" +
                          text + ")");
  }
  if (status.IsCorruption()) {
    return make_error(ErrorCode::corrupt,
                      at +
                          "it is damaged; restore a backup, or move the directory away to start "
                          "empty (" +
                          text + ")");
  }
  if (status.IsInvalidArgument()) {
    return make_error(ErrorCode::invalid_argument,
                      at +
                          "another program or a newer version made it; use that version or "
                          "another data directory (" +
                          text + ")");
  }
  return make_error(ErrorCode::unavailable,
                    at +
                        "it cannot be opened; check that it is writable and that the disk has "
                        "room (" +
                        text + ")");
}

Status make_directory(const std::string& dir) {
  std::error_code error;
  std::filesystem::create_directories(dir, error);
  if (!error) return {};
  return make_error(ErrorCode::unavailable, "store directory " + dir + ": it cannot be made (" +
                                                error.message() +
                                                "); choose a writable data directory");
}

Result<uint64_t> random_number() {
  uint64_t number = 0;
  if (getrandom(&number, sizeof number, 0) != static_cast<ssize_t>(sizeof number)) {
    return make_error(ErrorCode::internal, "getrandom gave no random bytes");
  }
  return number;
}

}  // namespace

const char* name_of(Family family) { return kFamilies[static_cast<size_t>(family)].name; }

Error corrupt_row(Family family, std::string_view key) {
  return make_error(ErrorCode::corrupt, std::string("store: a row of column family ") +
                                            name_of(family) + " does not decode, key " +
                                            to_hex(key));
}

Error to_error(const rocksdb::Status& status, std::string_view doing) {
  ErrorCode code = ErrorCode::internal;
  if (status.IsCorruption()) code = ErrorCode::corrupt;
  if (status.IsIOError() || status.IsBusy() || status.IsTimedOut() || status.IsTryAgain() ||
      status.IsIncomplete() || status.IsShutdownInProgress() || status.IsAborted()) {
    code = ErrorCode::unavailable;
  }
  return make_error(code, "store: " + std::string(doing) + ": " + status.ToString());
}

// ---------------------------------------------------------------- opening

Result<std::unique_ptr<Database>> Database::open(const RocksStoreOptions& options) {
  if (Status made = make_directory(options.dir); !made) return made.error();
  std::unique_ptr<Database> database(new Database);
  rocksdb::DB* db = nullptr;
  const rocksdb::Status status = rocksdb::DB::Open(db_options(options), options.dir,
                                                   descriptors(options), &database->handles_, &db);
  database->db_.reset(db);
  if (!status.ok()) return open_error(status, options.dir);
  if (Status loaded = database->load_meta(options.dir); !loaded) return loaded.error();
  return database;
}

Database::~Database() {
  if (!db_) return;
  for (rocksdb::ColumnFamilyHandle* handle : handles_) db_->DestroyColumnFamilyHandle(handle);
  db_->Close().PermitUncheckedError();
}

Status Database::load_meta(const std::string& dir) {
  std::string format;
  std::string epoch;
  rocksdb::Status status = db_->Get({}, handle(Family::meta), slice(kFormatKey), &format);
  if (status.IsNotFound() && !has_rows()) return make_meta();
  if (status.ok() && format != kFormat) {
    return make_error(ErrorCode::invalid_argument, "store directory " + dir + ": its format is " +
                                                       format + ", this version reads " +
                                                       std::string(kFormat) +
                                                       "; use the version that made it");
  }
  if (status.ok()) status = db_->Get({}, handle(Family::meta), slice(kEpochKey), &epoch);
  if (status.IsNotFound() || (status.ok() && epoch.size() != sizeof epoch_)) {
    status = rocksdb::Status::Corruption("its format or epoch is missing");
  }
  if (!status.ok()) return open_error(status, dir);
  epoch_ = number_at(epoch, 0);
  return {};
}

bool Database::has_rows() const {
  for (const Family family : {Family::chat, Family::user}) {
    Scan scan(*this, {}, family, Key());
    scan.seek(Key());
    if (scan.valid() || !scan.status()) return true;
  }
  return false;
}

Status Database::make_meta() {
  const Result<uint64_t> random = random_number();
  if (!random) return random.error();
  epoch_ = *random;
  rocksdb::WriteBatch batch;
  rocksdb::Status status = batch.Put(handle(Family::meta), slice(kFormatKey), slice(kFormat));
  if (status.ok()) {
    status = batch.Put(handle(Family::meta), slice(kEpochKey), slice(key_of(epoch_)));
  }
  rocksdb::WriteOptions synced;
  synced.sync = true;
  if (status.ok()) status = db_->Write(synced, &batch);
  if (!status.ok()) return to_error(status, "writing the epoch of a new store");
  return {};
}

Status Database::compact() const {
  rocksdb::CompactRangeOptions everything;
  everything.bottommost_level_compaction = rocksdb::BottommostLevelCompaction::kForce;
  for (rocksdb::ColumnFamilyHandle* family : handles_) {
    const rocksdb::Status status = db_->CompactRange(everything, family, nullptr, nullptr);
    if (!status.ok()) return to_error(status, "compacting");
  }
  return {};
}

// ---------------------------------------------------------------- reading

Result<bool> Database::get(const rocksdb::ReadOptions& options, Family family, const Key& key,
                           rocksdb::PinnableSlice& value) const {
  const rocksdb::Status status = db_->Get(options, handle(family), slice(key), &value);
  if (status.ok()) return true;
  if (status.IsNotFound()) return false;
  return to_error(status, std::string("reading column family ") + name_of(family));
}

Scan::Scan(const Database& database, rocksdb::ReadOptions options, Family family, const Key& prefix)
    : family_(family), prefix_(prefix) {
  // With an extractor, iterators skip files by the prefix bloom filter. Families without one, and
  // walks over everything, need the total order.
  options.total_order_seek = prefix.view().empty();
  options.prefix_same_as_start = !options.total_order_seek;
  iterator_.reset(database.db().NewIterator(options, database.handle(family)));
}

Status Scan::status() const {
  if (iterator_->status().ok()) return {};
  return to_error(iterator_->status(), std::string("reading column family ") + name_of(family_));
}

}  // namespace chat::rocks
