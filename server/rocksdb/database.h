// Database: the open RocksDB with its column families, typed gets and prefix scans, and the one
// place that maps RocksDB's statuses to Errors. Internal to this folder. Thread rule: every const
// function from any thread.
#pragma once

#include <rocksdb/db.h>
#include <rocksdb/snapshot.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/error.h"
#include "server/rocksdb/keys.h"
#include "server/rocksdb/rocks_chat_store.h"
#include "server/rocksdb/rows.h"

namespace chat::rocks {

/// The column families; `meta` is RocksDB's default one and holds the format and the epoch.
enum class Family : size_t {
  meta,
  event,
  chat,
  pending,
  member,
  sent,
  inbox,
  user_chat,
  author,
  user,
  agenda,
  device,
};
const char* name_of(Family family);

inline rocksdb::Slice slice(std::string_view bytes) { return {bytes.data(), bytes.size()}; }
inline rocksdb::Slice slice(const Key& key) { return slice(key.view()); }
inline std::string_view view(const rocksdb::Slice& bytes) { return {bytes.data(), bytes.size()}; }

/// A row or key that does not decode.
Error corrupt_row(Family family, std::string_view key);
Error to_error(const rocksdb::Status& status, std::string_view doing);

class Database {
 public:
  static Result<std::unique_ptr<Database>> open(const RocksStoreOptions& options);
  ~Database();

  rocksdb::DB& db() const { return *db_; }
  rocksdb::ColumnFamilyHandle* handle(Family family) const {
    return handles_[static_cast<size_t>(family)];
  }
  uint64_t epoch() const { return epoch_; }
  Status compact() const;

  /// Whether the key exists; its value goes to `value`.
  Result<bool> get(const rocksdb::ReadOptions& options, Family family, const Key& key,
                   rocksdb::PinnableSlice& value) const;

  /// The decoded row, or nullopt when there is none.
  template <class Row>
  Result<std::optional<Row>> find(const rocksdb::ReadOptions& options, Family family,
                                  const Key& key) const {
    rocksdb::PinnableSlice value;
    const Result<bool> found = get(options, family, key, value);
    if (!found) return found.error();
    if (!*found) return std::optional<Row>();
    Row row;
    if (!decode(view(value), row)) return corrupt_row(family, key.view());
    return std::optional<Row>(std::move(row));
  }

 private:
  Database() = default;
  Status load_meta(const std::string& dir);
  Status make_meta();
  bool has_rows() const;

  std::unique_ptr<rocksdb::DB> db_;
  std::vector<rocksdb::ColumnFamilyHandle*> handles_;
  uint64_t epoch_ = 0;
};

/// Walks over the keys of a column family that begin with `prefix`, which is the family's whole
/// bloom prefix or empty (= all keys).
class Scan {
 public:
  Scan(const Database& database, rocksdb::ReadOptions options, Family family, const Key& prefix);

  /// To the first key ≥ `key`.
  void seek(const Key& key) { iterator_->Seek(slice(key)); }
  /// To the last key ≤ `key`.
  void seek_back(const Key& key) { iterator_->SeekForPrev(slice(key)); }
  void next() { iterator_->Next(); }
  void previous() { iterator_->Prev(); }
  bool valid() const { return iterator_->Valid() && iterator_->key().starts_with(slice(prefix_)); }
  std::string_view key() const { return view(iterator_->key()); }
  std::string_view value() const { return view(iterator_->value()); }
  Error corrupt() const { return corrupt_row(family_, key()); }
  /// Whether the walk ended because there was nothing more.
  Status status() const;

 private:
  const Family family_;
  const Key prefix_;
  std::unique_ptr<rocksdb::Iterator> iterator_;
};

}  // namespace chat::rocks
