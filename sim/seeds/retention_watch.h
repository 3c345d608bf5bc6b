// RetentionWatch: what the devices of a random world saw of chats that forget. An event that is
// shown too late is found at once; that events were called pruned with reason, the audit judges by
// the logs. Thread rule: its world's thread.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "core/base/ids.h"
#include "core/base/time.h"
#include "core/wire/chat.pb.h"

namespace chat::sim {

class RetentionWatch {
 public:
  /// How long an answer may be under way: parted engines, slow readers.
  static constexpr int64_t kUnderWayMs = 30'000;
  /// The same without faults, and by how much clocks differ; in models that lose bursts of frames
  /// and send them again.
  static constexpr int64_t kUnderWayCalmMs = 1'000;
  static constexpr int64_t kUnderWayModelledMs = 10'000;

  void keeps(const ChatId& chat, int64_t retention_ms) { retention_ms_[chat] = retention_ms; }
  void expect_models() { calm_ms_ = kUnderWayModelledMs; }
  /// How long an answer may be under way without faults.
  int64_t calm_ms() const { return calm_ms_; }
  void ends(const ChatId& chat) { temporary_.insert(chat); }
  bool is_temporary(const ChatId& chat) const { return temporary_.contains(chat); }
  /// How long a chat keeps its events; 0 = for ever.
  int64_t kept_ms(const ChatId& chat) const {
    const auto found = retention_ms_.find(chat);
    return found == retention_ms_.end() ? 0 : found->second;
  }
  bool forgets(const ChatId& chat) const { return is_temporary(chat) || kept_ms(chat) != 0; }

  /// A page of a log showed an event; pushes are not told.
  void shown(const v1::Event& event, WallTime now, int64_t under_way_ms = kUnderWayMs) {
    const auto chat = ChatId::from_bytes(event.chat_id());
    const auto found = chat ? retention_ms_.find(*chat) : retention_ms_.end();
    // The event that tells the end stays.
    if (found == retention_ms_.end() || found->second == 0 || event.has_expired()) return;
    const int64_t age = now.ms - event.server_ts_ms();
    if (age <= found->second + under_way_ms) return;
    violations_.push_back("chat " + chat->hex() + " seq " + std::to_string(event.seq()) +
                          " was shown at an age of " + std::to_string(age) + " ms");
  }
  /// A device was told that an event is pruned.
  void told_pruned(const ChatId& chat, uint64_t seq, WallTime now) {
    claims_.push_back({chat, seq, now});
  }

  struct Claim {
    ChatId chat;
    uint64_t seq = 0;
    WallTime at;
  };
  const std::vector<Claim>& claims() const { return claims_; }
  const std::vector<std::string>& violations() const { return violations_; }

 private:
  int64_t calm_ms_ = kUnderWayCalmMs;
  std::map<ChatId, int64_t> retention_ms_;
  std::set<ChatId> temporary_;
  std::vector<Claim> claims_;
  std::vector<std::string> violations_;
};

}  // namespace chat::sim
