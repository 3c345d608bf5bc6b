// MemberChanges: takes users of a run out of its groups and adds them again, as an operator does.
// Each world has its own way to do it. Users and chats are indexes of the run. Thread rule: the
// crowd's thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "core/base/time.h"

namespace chat::sim {

class MemberChanges {
 public:
  virtual ~MemberChanges() = default;

  /// Not before `at` the user is taken out of the chat, a group or room.
  virtual void remove(uint32_t chat, uint32_t user, Instant at) = 0;
  /// Not before `at` the user is added to the chat.
  virtual void add(uint32_t chat, uint32_t user, Instant at) = 0;
  /// From now on everything is due at once, in the same order.
  virtual void hurry() = 0;
  /// Changes that are not confirmed yet.
  virtual size_t waiting() = 0;
  /// What the last attempt that failed was answered; empty when none has.
  virtual std::string last_error() = 0;
};

}  // namespace chat::sim
