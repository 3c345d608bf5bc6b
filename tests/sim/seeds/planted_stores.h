// Stores with a planted bug each, for worlds that have to find it. They lie to the engines, or to
// the disk. Thread rule: one thread.
#pragma once

#include <algorithm>
#include <memory>
#include <variant>
#include <vector>

#include "sim/memory_store/memory_chat_store.h"
#include "sim/memory_store/memory_delay_log.h"

namespace chat::sim {

/// Answers writes of one kind before they are durable: a crash loses the last few of them.
class ForgetfulStore : public ChatStore {
 public:
  enum class Forgets { appends, inbox_writes };

  ForgetfulStore(uint64_t epoch, Forgets forgets)
      : forgets_(forgets), epoch_(epoch), rows_(std::make_unique<MemoryChatStore>(epoch)) {}

  StoreResult read(const StoreCommand& command) override { return rows_->read(command); }
  std::vector<StoreResult> write(std::span<const StoreCommand> commands) override {
    written_.insert(written_.end(), commands.begin(), commands.end());
    return rows_->write(commands);
  }
  uint64_t epoch() const override { return epoch_; }

  void crash() {
    int left = 6;
    std::vector<StoreCommand> kept;
    for (auto command = written_.rbegin(); command != written_.rend(); ++command) {
      if (left > 0 && is_forgotten(*command)) {
        --left;
      } else {
        kept.push_back(std::move(*command));
      }
    }
    written_.clear();
    rows_ = std::make_unique<MemoryChatStore>(epoch_);
    std::reverse(kept.begin(), kept.end());
    for (const StoreCommand& command : kept) write(std::span(&command, 1));
  }

 private:
  bool is_forgotten(const StoreCommand& command) const {
    if (forgets_ == Forgets::inbox_writes) return std::holds_alternative<AppendInboxes>(command);
    const auto* append = std::get_if<AppendEvents>(&command);
    return append && !append->events.empty();
  }

  Forgets forgets_;
  uint64_t epoch_;
  std::unique_ptr<MemoryChatStore> rows_;
  std::vector<StoreCommand> written_;
};

/// Pretends that everything has been fanned out: nothing is ever driven again.
class FannedOutStore : public MemoryChatStore {
 public:
  using MemoryChatStore::MemoryChatStore;

  StoreResult read(const StoreCommand& command) override {
    if (std::holds_alternative<ScanPending>(command)) return PendingScanned{};
    StoreResult result = MemoryChatStore::read(command);
    if (auto* loaded = std::get_if<ChatLoaded>(&result); loaded && loaded->row) {
      loaded->row->fanned_seq = loaded->row->last_seq;
    }
    return result;
  }
};

/// Changes every append on its way in.
class AlteringStore : public MemoryChatStore {
 public:
  using MemoryChatStore::MemoryChatStore;

  std::vector<StoreResult> write(std::span<const StoreCommand> commands) override {
    std::vector<StoreCommand> altered(commands.begin(), commands.end());
    for (StoreCommand& command : altered) {
      if (auto* append = std::get_if<AppendEvents>(&command)) alter(*append);
    }
    return MemoryChatStore::write(altered);
  }

 private:
  virtual void alter(AppendEvents& append) const = 0;
};

/// Neither keeps nor checks idempotency keys: only what an engine remembers is known again.
class KeylessStore : public AlteringStore {
 public:
  using AlteringStore::AlteringStore;

 private:
  void alter(AppendEvents& append) const override { append.keys.clear(); }
};

/// Leaves an entry of an inbox out when it reads three or more.
class HoleyInboxStore : public MemoryChatStore {
 public:
  using MemoryChatStore::MemoryChatStore;

  StoreResult read(const StoreCommand& command) override {
    StoreResult result = MemoryChatStore::read(command);
    auto* inbox = std::get_if<InboxRead>(&result);
    if (inbox && inbox->entries.size() > 2) inbox->entries.erase(inbox->entries.begin() + 1);
    return result;
  }
};

/// Gives two neighbours of an inbox each other's place.
class SwappingStore : public MemoryChatStore {
 public:
  using MemoryChatStore::MemoryChatStore;

  StoreResult read(const StoreCommand& command) override {
    StoreResult result = MemoryChatStore::read(command);
    auto* inbox = std::get_if<InboxRead>(&result);
    if (inbox && inbox->entries.size() > 1) {
      InboxEntry& last = inbox->entries.back();
      InboxEntry& before = inbox->entries[inbox->entries.size() - 2];
      std::swap(last.chat, before.chat);
      std::swap(last.kind, before.kind);
      std::swap(last.seq, before.seq);
      std::swap(last.stored_event, before.stored_event);
    }
    return result;
  }
};

/// Answers refused writes of one kind as stored: the fence against a second writer is broken.
template <class Command>
class FencelessStore : public MemoryChatStore {
 public:
  using MemoryChatStore::MemoryChatStore;

  std::vector<StoreResult> write(std::span<const StoreCommand> commands) override {
    std::vector<StoreResult> results = MemoryChatStore::write(commands);
    for (size_t i = 0; i < commands.size(); ++i) {
      if (const auto* lied = std::get_if<Command>(&commands[i])) lie(*lied, results[i]);
    }
    return results;
  }

 private:
  static void lie(const AppendEvents& command, StoreResult& result) {
    auto* append = std::get_if<AppendResult>(&result);
    if (!append || append->outcome != WriteOutcome::conflict) return;
    *append = {WriteOutcome::stored, command.row.last_seq, {}};
  }
  static void lie(const AppendInboxes& command, StoreResult& result) {
    auto* append = std::get_if<AppendInboxesResult>(&result);
    if (!append) return;
    for (size_t i = 0; i < command.writes.size(); ++i) {
      if (append->results[i].outcome != WriteOutcome::conflict) continue;
      append->results[i] = {WriteOutcome::stored, command.writes[i].new_head};
    }
  }
};

/// Tells a wrong seq for a key that it has.
class WrongKeyStore : public MemoryChatStore {
 public:
  using MemoryChatStore::MemoryChatStore;

  std::vector<StoreResult> write(std::span<const StoreCommand> commands) override {
    std::vector<StoreResult> results = MemoryChatStore::write(commands);
    for (StoreResult& result : results) {
      auto* append = std::get_if<AppendResult>(&result);
      if (!append) continue;
      for (KeyRow& key : append->existing) ++key.seq;
    }
    return results;
  }
};

/// Stores that somebody left, but not in the member's row.
class ClingingStore : public AlteringStore {
 public:
  using AlteringStore::AlteringStore;

 private:
  void alter(AppendEvents& append) const override {
    for (MemberRow& member : append.members) member.left_seq = kStillMember;
  }
};

/// Keeps the marks of members one behind.
class LowMarkStore : public MemoryChatStore {
 public:
  using MemoryChatStore::MemoryChatStore;

  StoreResult read(const StoreCommand& command) override {
    StoreResult result = MemoryChatStore::read(command);
    auto* loaded = std::get_if<ChatLoaded>(&result);
    if (!loaded) return result;
    for (MemberRow& member : loaded->members) {
      if (member.read_seq > 0) --member.read_seq;
    }
    return result;
  }
};

/// Keeps the text of what was deleted.
class UnforgettingStore : public AlteringStore {
 public:
  using AlteringStore::AlteringStore;

 private:
  void alter(AppendEvents& append) const override { append.rewrites.clear(); }
};

/// Does not know which chats have something due: only those that are used are looked at.
class AimlessStore : public MemoryChatStore {
 public:
  using MemoryChatStore::MemoryChatStore;

  StoreResult read(const StoreCommand& command) override {
    if (std::holds_alternative<ScanAgenda>(command)) return AgendaScanned{};
    return MemoryChatStore::read(command);
  }
};

/// Takes an event more than is too old.
class OverPrunedStore : public AlteringStore {
 public:
  using AlteringStore::AlteringStore;

 private:
  void alter(AppendEvents& append) const override {
    if (append.row.oldest_seq <= 1) return;
    append.row.oldest_seq = std::min(append.row.oldest_seq + 1, append.row.last_seq);
  }
};

/// Counts a message as unread that was read.
class MiscountingStore : public MemoryChatStore {
 public:
  using MemoryChatStore::MemoryChatStore;

  StoreResult read(const StoreCommand& command) override {
    StoreResult result = MemoryChatStore::read(command);
    auto* listed = std::get_if<UserChatsListed>(&result);
    if (!listed) return result;
    for (UserChatsListed::Item& item : listed->items) {
      if (item.member.read_seq > 0) ++item.unread_count;
    }
    return result;
  }
};

/// Loses the last entries when it is read at a start, as a log that was never synced.
class TaillessDelayLog : public MemoryDelayLog {
 public:
  Result<std::vector<DelayEntry>> load() override {
    auto entries = MemoryDelayLog::load();
    if (entries && !entries->empty()) entries->pop_back();
    return entries;
  }
};

}  // namespace chat::sim
