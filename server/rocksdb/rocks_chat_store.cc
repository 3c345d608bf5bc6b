#include "server/rocksdb/rocks_chat_store.h"

#include <type_traits>

#include "core/store/store_rules.h"
#include "server/rocksdb/database.h"
#include "server/rocksdb/reader.h"
#include "server/rocksdb/writer.h"

namespace chat {
namespace {

class RocksChatStore : public ChatStore {
 public:
  RocksChatStore(std::unique_ptr<rocks::Database> database,
                 std::function<void(const Error&)> on_write_error)
      : database_(std::move(database)), on_write_error_(std::move(on_write_error)) {}

  StoreResult read(const StoreCommand& command) override {
    const rocks::Reader reader(*database_);
    return std::visit(
        [&](const auto& c) -> StoreResult {
          using Command = std::decay_t<decltype(c)>;
          if constexpr (std::is_same_v<Command, AppendEvents> ||
                        std::is_same_v<Command, AppendInboxes> ||
                        std::is_same_v<Command, SaveUser>) {
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
    recover_from_failure();
    rocks::WriteCall call(*database_);
    std::vector<StoreResult> results;
    results.reserve(commands.size());
    for (const StoreCommand& command : commands) results.push_back(call.add(command));
    const Status committed = call.commit();
    if (committed) return results;
    failed_ = true;
    if (on_write_error_) on_write_error_(committed.error());
    for (size_t i = 0; i < commands.size(); ++i) {
      if (!std::holds_alternative<Error>(results[i])) results[i] = unknown_result(commands[i]);
    }
    return results;
  }

  uint64_t epoch() const override { return database_->epoch(); }

 private:
  /// After a failed write RocksDB refuses all writes until it is told to go on.
  void recover_from_failure() {
    if (failed_ && database_->db().Resume().ok()) failed_ = false;
  }

  const std::unique_ptr<rocks::Database> database_;
  const std::function<void(const Error&)> on_write_error_;
  bool failed_ = false;  ///< Only write() touches it.
};

}  // namespace

Result<std::unique_ptr<ChatStore>> open_rocks_store(const RocksStoreOptions& options) {
  auto database = rocks::Database::open(options);
  if (!database) return database.error();
  return std::unique_ptr<ChatStore>(
      new RocksChatStore(std::move(*database), options.on_write_error));
}

}  // namespace chat
