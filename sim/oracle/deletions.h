// Deletions: when the deletion of each message was confirmed to its author. From then on whoever
// reads the message has to get a tombstone. Thread rule: plain value.
#pragma once

#include <cstdint>
#include <map>
#include <utility>

#include "core/base/ids.h"
#include "core/base/time.h"

namespace chat::sim {

class Deletions {
 public:
  void confirmed(const ChatId& chat, uint64_t seq, Instant now) {
    confirmed_.try_emplace({chat, seq}, now);
  }
  /// Whether the deletion was confirmed at `then` or before.
  bool confirmed_by(const ChatId& chat, uint64_t seq, Instant then) const {
    const auto found = confirmed_.find({chat, seq});
    return found != confirmed_.end() && found->second <= then;
  }

 private:
  std::map<std::pair<ChatId, uint64_t>, Instant> confirmed_;
};

}  // namespace chat::sim
