// FaultyChatStore: a ChatStore whose calls are slow, hang, fail or are answered `unknown` as Faults
// says; else those of the store that it decorates. Owns nothing. Thread rule: as ChatStore.
#pragma once

#include "core/store/chat_store.h"
#include "server/faults/faults.h"

namespace chat {

class FaultyChatStore : public ChatStore {
 public:
  /// Both outlive this.
  FaultyChatStore(ChatStore& store, Faults& faults) : store_(store), faults_(faults) {}

  StoreResult read(const StoreCommand& command) override;
  std::vector<StoreResult> write(std::span<const StoreCommand> commands) override;
  uint64_t epoch() const override { return store_.epoch(); }

 private:
  ChatStore& store_;
  Faults& faults_;
};

}  // namespace chat
