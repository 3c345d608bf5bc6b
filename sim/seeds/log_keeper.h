// LogKeeper: stands before the store of a random world and remembers every event that it stored, so
// that the audit knows what was pruned; and it notes marks of members that go back. Changes
// nothing. Thread rule: its world's thread.
#pragma once

#include <map>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "core/store/chat_store.h"

namespace chat::sim {

class LogKeeper : public ChatStore {
 public:
  /// `store` outlives it.
  explicit LogKeeper(ChatStore& store) : store_(store) {}

  StoreResult read(const StoreCommand& command) override { return store_.read(command); }
  std::vector<StoreResult> write(std::span<const StoreCommand> commands) override {
    std::vector<StoreResult> results = store_.write(commands);
    for (size_t i = 0; i < commands.size(); ++i) {
      const auto* append = std::get_if<AppendEvents>(&commands[i]);
      const auto* result = std::get_if<AppendResult>(&results[i]);
      if (!append || !result || result->outcome != WriteOutcome::stored) continue;
      for (const EventRow& event : append->events) {
        events_[{append->chat, event.seq}] = event.stored_event;
      }
      for (const EventRow& event : append->rewrites) {
        events_[{append->chat, event.seq}] = event.stored_event;
      }
      if (!append->members.empty()) look_at_marks(append->chat);
    }
    return results;
  }
  uint64_t epoch() const override { return store_.epoch(); }

  /// The event as it was stored last; empty when it never was.
  std::string event(const ChatId& chat, uint64_t seq) const {
    const auto found = events_.find({chat, seq});
    return found == events_.end() ? std::string() : found->second;
  }

  /// Marks that were lower than before.
  const std::vector<std::string>& violations() const { return violations_; }

 private:
  struct Marks {
    uint64_t delivered_seq = 0, read_seq = 0;
  };

  void look_at_marks(const ChatId& chat) {
    const auto loaded = std::get<ChatLoaded>(store_.read(LoadChat{chat}));
    for (const MemberRow& row : loaded.members) {
      Marks& marks = marks_[{chat, row.user}];
      if (row.delivered_seq < marks.delivered_seq || row.read_seq < marks.read_seq) {
        violations_.push_back("chat " + chat.hex() + " took back what user " +
                              std::to_string(row.user.value) + " has got or read");
      }
      marks = {row.delivered_seq, row.read_seq};
    }
  }

  ChatStore& store_;
  std::map<std::pair<ChatId, UserId>, Marks> marks_;
  std::vector<std::string> violations_;
  std::map<std::pair<ChatId, uint64_t>, std::string> events_;
};

}  // namespace chat::sim
