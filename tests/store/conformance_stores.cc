// The stores that run the conformance suite.
#include <memory>
#include <string>

#include "server/rocksdb/rocks_chat_store.h"
#include "sim/memory_store/memory_chat_store.h"
#include "tests/store/chat_store_conformance.h"

namespace chat::store_test {
namespace {

std::unique_ptr<ChatStore> open_memory(const std::string&) {
  return std::make_unique<MemoryChatStore>(uint64_t{1});
}

std::unique_ptr<ChatStore> open_rocks(const std::string& dir) {
  return open_rocks_store({.dir = dir}).value();
}

/// Closes and opens its directory between a write and the next read: opening turns the log into
/// table files, so that every read goes through tables and their filters.
class ReopeningRocksStore : public ChatStore {
 public:
  explicit ReopeningRocksStore(const std::string& dir) : dir_(dir), inner_(open_rocks(dir)) {}

  StoreResult read(const StoreCommand& command) override {
    if (written_) {
      inner_.reset();
      inner_ = open_rocks(dir_);
      written_ = false;
    }
    return inner_->read(command);
  }
  std::vector<StoreResult> write(std::span<const StoreCommand> commands) override {
    written_ = true;
    return inner_->write(commands);
  }
  uint64_t epoch() const override { return inner_->epoch(); }

 private:
  const std::string dir_;
  std::unique_ptr<ChatStore> inner_;
  bool written_ = false;
};

std::unique_ptr<ChatStore> open_reopening_rocks(const std::string& dir) {
  return std::make_unique<ReopeningRocksStore>(dir);
}

}  // namespace

std::vector<Implementation> tested_stores() {
  return {{"Memory", open_memory}, {"Rocks", open_rocks}, {"RocksTables", open_reopening_rocks}};
}

INSTANTIATE_TEST_SUITE_P(Stores, ChatStoreConformance, testing::ValuesIn(tested_stores()),
                         name_of_test);

}  // namespace chat::store_test
