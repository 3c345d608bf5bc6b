// UnreadCounter: how many messages of a chat its user has not read, from the log and the marker
// alone. Every ChatStore counts with it, so that all count alike: messages of others after the read
// mark, while the user was a member, that are not deleted (a tombstone is no message). Counts up to
// a limit and looks at a bounded number of events. Thread rule: plain value.
#pragma once

#include <cstdint>
#include <string_view>

#include "core/store/chat_store.h"

namespace chat {

/// The events that can be unread; empty when from_seq > to_seq.
struct UnreadRange {
  uint64_t from_seq = 1;
  uint64_t to_seq = 0;
};
UnreadRange unread_range(const UserChatRow& view, const ChatRow& chat, const MemberRow& member);

class UnreadCounter {
 public:
  static constexpr uint32_t kEventsMax = 1'000;  ///< Looked at per chat, others are not counted.

  UnreadCounter(UserId user, uint32_t count_max) : user_(user), count_max_(count_max) {}

  /// The next event of the range, an encoded chat.peer.StoredEvent. False when no more is wanted.
  bool add(std::string_view stored_event);

  uint32_t count() const { return count_; }
  uint32_t mentions() const { return mentions_; }  ///< Of them: those that mention the user.

 private:
  UserId user_;
  uint32_t count_max_;
  uint32_t seen_ = 0;
  uint32_t count_ = 0;
  uint32_t mentions_ = 0;
};

}  // namespace chat
