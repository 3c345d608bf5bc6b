// Population: who the users of a run are and which chats they share, drawn from the seed alone.
// Users and chats are indexes 0…n-1; drivers give them ids. Chats come in the order direct, groups,
// rooms. The same scenario and seed give the same population in every driver. Immutable after
// drawing. Thread rule: read by any.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "core/base/random.h"
#include "core/base/time.h"
#include "core/store/chat_store.h"
#include "sim/scenario/scenario.h"

namespace chat::sim {

struct UserTraits {
  Duration arrives;  ///< After the ramp begins.
  float weight = 0;  ///< Of its sends, relative to the mean user; 0 without a chat to send to.
  bool json = false;
  bool mobile = false;
  bool slow = false;  ///< A slow reader.
};

class Population {
 public:
  Population(const Scenario& scenario, const Random& random);

  uint32_t user_count() const { return static_cast<uint32_t>(traits_.size()); }
  uint32_t chat_count() const { return static_cast<uint32_t>(kinds_.size()); }
  const UserTraits& traits(uint32_t user) const { return traits_[user]; }
  ChatKind kind(uint32_t chat) const { return kinds_[chat]; }
  /// Distinct users.
  std::span<const uint32_t> members(uint32_t chat) const;
  /// The user's chats of a kind, the favourite first.
  std::span<const uint32_t> chats_of(uint32_t user, ChatKind kind) const;
  std::span<const uint32_t> chats_of(uint32_t user) const;
  /// Memberships are numbered 0…count-1, one per user and chat: places for what a user knows of it.
  size_t membership_count() const { return chats_.size(); }
  /// The number of a membership; nullopt when the user is not in the chat.
  std::optional<size_t> membership(uint32_t user, uint32_t chat) const;
  /// The other user of a direct chat.
  uint32_t peer_in(uint32_t chat, uint32_t user) const;

 private:
  void draw_traits(const Scenario& scenario, const Random& random);
  void draw_weights(const Scenario& scenario, Random random);
  bool can_send(uint32_t user, const SendLoad& sends) const;
  void draw_direct(const Scenario& scenario, Random random);
  void draw_groups(const Scenario& scenario, Random random);
  void draw_rooms(const Scenario& scenario, Random random);
  void index_chats(const Random& random);
  void add_chat(ChatKind kind, std::span<const uint32_t> members);

  std::vector<UserTraits> traits_;
  std::vector<ChatKind> kinds_;
  std::vector<uint64_t> member_begin_{0};
  std::vector<uint32_t> members_;
  std::vector<uint64_t> chat_begin_;  ///< Per user one entry per kind, then the end.
  std::vector<uint32_t> chats_;
};

}  // namespace chat::sim
