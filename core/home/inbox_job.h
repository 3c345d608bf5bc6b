// InboxJob and FanOut: what waits to be entered into inboxes. Plain values of InboxWriter that a
// User holds.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "core/base/ids.h"

namespace chat {

namespace peer {
class StoredEvent;
}

/// One InboxAppend of a chat home, shared by the jobs of its users.
struct FanOut {
  EngineId chat_home;
  ChatId chat;
  uint64_t ticket = 0;
  bool room = false;
  std::vector<std::shared_ptr<const peer::StoredEvent>> events;
  size_t users_left = 0;  ///< InboxStored is answered when it reaches 0.
};

/// One thing to enter into one user's inbox: the events of a fan-out, or a read marker of the
/// user's own.
struct InboxJob {
  std::shared_ptr<FanOut> fan_out;  ///< Set, or a read marker:
  ChatId chat;
  uint64_t read_up_to = 0;
  EngineId asker;
  uint64_t request_id = 0;
};

}  // namespace chat
