// UnreadCounter: how many messages of a chat its user has not read, from the log and the marker
// alone. Every ChatStore counts with it, so that all count alike: messages of others after the read
// mark, while the user was a member, that are neither deleted (a tombstone is no message) nor older
// than the chat keeps them. Counts up to a limit and looks at a bounded number of events. Thread
// rule: plain value.
#pragma once

#include <cstdint>
#include <string_view>

#include "core/store/chat_store.h"

namespace chat {

/// The events that can be unread; empty when from_seq > to_seq.
struct UnreadRange {
  uint64_t from_seq = 1;
  uint64_t to_seq = 0;
  int64_t oldest_ms = 0;  ///< Events of an earlier server time are not shown any more.
};
UnreadRange unread_range(const UserChatRow& view, const ChatRow& chat, const MemberRow& member,
                         int64_t now_ms);

class UnreadCounter {
 public:
  static constexpr uint32_t kEventsMax = 1'000;  ///< Looked at per chat, others are not counted.

  UnreadCounter(const ListUserChats& list, const UnreadRange& range)
      : user_(list.user), count_max_(list.unread_max), oldest_ms_(range.oldest_ms) {}

  /// The next event of the range, an encoded chat.peer.StoredEvent. False when no more is wanted.
  bool add(std::string_view stored_event);

  uint32_t count() const { return count_; }
  uint32_t mentions() const { return mentions_; }  ///< Of them: those that mention the user.

 private:
  UserId user_;
  uint32_t count_max_;
  int64_t oldest_ms_;
  uint32_t seen_ = 0;
  uint32_t count_ = 0;
  uint32_t mentions_ = 0;
};

}  // namespace chat
