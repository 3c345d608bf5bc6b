#include "server/rocksdb/rocks_chat_store.h"

#include <mutex>
#include <shared_mutex>

#include "core/store/store_rules.h"
#include "server/rocksdb/database.h"
#include "server/rocksdb/reader.h"
#include "server/rocksdb/writer.h"

namespace chat {
namespace {

class RocksChatStore : public ChatStore {
 public:
  RocksChatStore(const RocksStoreOptions& options, std::unique_ptr<rocks::Database> database)
      : options_(options), database_(std::move(database)), epoch_(database_->epoch()) {}

  StoreResult read(const StoreCommand& command) override {
    std::shared_lock lock(mutex_);
    if (!database_) return closed_;
    const rocks::Reader reader(*database_);
    return std::visit(
        [&](const auto& c) -> StoreResult {
          if constexpr (!requires { reader.execute(c); }) {
            return wrong_half(command);
          } else {
            auto result = reader.execute(c);
            if (!result) return result.error();
            return std::move(*result);
          }
        },
        command);
  }

  std::vector<StoreResult> write(std::span<const StoreCommand> commands) override {
    if (failed_) recover();
    if (!database_) return std::vector<StoreResult>(commands.size(), closed_);
    rocks::WriteCall call(*database_);
    std::vector<StoreResult> results;
    results.reserve(commands.size());
    for (const StoreCommand& command : commands) results.push_back(call.add(command));
    const Status committed = call.commit();
    if (committed) return results;
    failed_ = true;
    tell(committed.error());
    for (size_t i = 0; i < commands.size(); ++i) {
      if (!std::holds_alternative<Error>(results[i])) results[i] = unknown_result(commands[i]);
    }
    return results;
  }

  uint64_t epoch() const override { return epoch_; }

 private:
  /// After a failed write RocksDB refuses all writes. Small troubles it forgets when asked to,
  /// after greater ones the directory has to be opened again.
  void recover() {
    if (database_ && database_->db().Resume().ok()) {
      failed_ = false;
      return;
    }
    std::unique_lock lock(mutex_);
    database_.reset();
    auto opened = rocks::Database::open(options_);
    if (opened) {
      database_ = std::move(*opened);
      failed_ = false;
    } else {
      closed_ = opened.error();
      tell(closed_);
    }
  }

  void tell(const Error& error) const {
    if (options_.log) options_.log(error.text);
  }

  const RocksStoreOptions options_;
  std::shared_mutex mutex_;  ///< Guards the pointer: only write() takes it alone, to open again.
  std::unique_ptr<rocks::Database> database_;
  const uint64_t epoch_;
  Error closed_;         ///< Why database_ is null.
  bool failed_ = false;  ///< Only write() touches it.
};

}  // namespace

Status compact_rocks_store(const RocksStoreOptions& options) {
  auto database = rocks::Database::open(options);
  if (!database) return database.error();
  return (*database)->compact();
}

Result<std::unique_ptr<ChatStore>> open_rocks_store(const RocksStoreOptions& options) {
  auto database = rocks::Database::open(options);
  if (!database) return database.error();
  return std::unique_ptr<ChatStore>(new RocksChatStore(options, std::move(*database)));
}

}  // namespace chat
