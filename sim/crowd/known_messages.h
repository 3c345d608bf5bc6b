// KnownMessages: what the devices of a run know of messages, for runs that change them: what each
// device shows of its chats, and which messages of its own a user may still change. It decides
// nothing by chance: callers bring a number to pick by. Memory: 24 bytes per device and event of
// its chats. Users, devices and chats are indexes of the run. Thread rule: as its crowd's.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "sim/oracle/message_view.h"

namespace chat::sim {

class KnownMessages {
 public:
  /// A message, or the reaction `n` of a user to it.
  struct Message {
    uint32_t chat = 0;
    uint64_t seq = 0;
    uint32_t n = 0;
  };

  KnownMessages(uint32_t users, uint32_t devices) : users_(users), shown_(devices) {}

  /// What a device shows of a chat. Not `whole`: it jumped over a part.
  struct Shown {
    MessageView view;
    bool whole = true;
  };

  /// A device got an event of a stream, or of a gap in it.
  void see(uint32_t device, uint32_t chat, const v1::Event& event);
  /// A device jumped over a part of a chat.
  void skip(uint32_t device, uint32_t chat) { shown_[device][chat].whole = false; }
  uint32_t devices() const { return static_cast<uint32_t>(shown_.size()); }
  /// What a device shows, by chat.
  const std::map<uint32_t, Shown>& shown(uint32_t device) const { return shown_[device]; }
  /// A message that the device shows in a chat; nullopt when there is none.
  std::optional<uint64_t> pick_shown(uint32_t device, uint32_t chat, uint32_t pick) const;

  /// A message of the user was stored. Only its latest ones are kept.
  void stored(uint32_t user, Message message);
  /// One of the user's own messages; nullopt when there is none.
  std::optional<Message> own(uint32_t user, uint32_t pick) const;
  /// As own(); afterwards it is not the user's to change any more.
  std::optional<Message> take_own(uint32_t user, uint32_t pick);
  /// A reaction of the user was stored.
  void reacted(uint32_t user, Message reaction) { users_[user].reaction = reaction; }
  /// The user's last reaction, once.
  std::optional<Message> take_reaction(uint32_t user);

 private:
  struct User {
    std::vector<Message> own;  ///< The oldest first.
    std::optional<Message> reaction;
  };

  std::vector<User> users_;
  std::vector<std::map<uint32_t, Shown>> shown_;  ///< By device.
};

}  // namespace chat::sim
