// Roster: the ids that a run gives to the users and chats of its population. Every run has a tag of
// its own and with it its own users and chats, so that runs never see each other's messages.
// Immutable after building. Thread rule: read by any.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "core/base/ids.h"
#include "sim/scenario/population.h"

namespace chat::sim {

class Roster {
 public:
  /// Tags have 22 bits and are not 0.
  static constexpr uint32_t kTagMax = (1u << 22) - 1;

  /// Users get ids of this run. `population` outlives the roster.
  Roster(const Population& population, uint32_t tag);
  /// Users have the ids that the server gave them, by index.
  Roster(const Population& population, uint32_t tag, std::vector<UserId> users);

  uint32_t tag() const { return tag_; }
  /// The tag as hexadecimal digits: the run's id.
  std::string run_id() const;
  const Population& population() const { return population_; }
  UserId user_id(uint32_t user) const { return user_ids_[user]; }
  std::string user_name(uint32_t user) const;
  std::string email(uint32_t user) const;
  /// The same for all users of a run.
  std::string password() const;
  std::string device_id(uint32_t user) const;
  const ChatId& chat_id(uint32_t chat) const { return chat_ids_[chat]; }
  /// The key by which a group or room is imported.
  std::string chat_name(uint32_t chat) const;
  std::optional<uint32_t> find_chat(const ChatId& chat) const;

  /// JSON lines that import the users, about `bytes_max` per part.
  std::vector<std::string> import_of_users(size_t bytes_max) const;
  /// JSON lines that import groups and rooms. Direct chats make themselves.
  std::vector<std::string> import_of_chats(size_t bytes_max) const;

 private:
  const Population& population_;
  uint32_t tag_;
  std::vector<UserId> user_ids_;
  std::vector<ChatId> chat_ids_;
  std::unordered_map<ChatId, uint32_t, IdHash> chats_;
};

}  // namespace chat::sim
