// UnreadAudit: whether the unread counts that a user is told are what the log and the read marker
// say: messages of others after it, that are not deleted. Thread rule: none.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "core/base/ids.h"

namespace chat::v1 {
class ChatList;
class Event;
}  // namespace chat::v1

namespace chat::sim {

class UnreadAudit {
 public:
  /// The events of the logs, ascending in each chat.
  void truth(const ChatId& chat, const v1::Event& event);
  /// Adds a line to `violations` for every count of the list that is wrong.
  void judge(UserId user, const v1::ChatList& list, std::vector<std::string>& violations) const;

 private:
  struct Message {
    uint64_t seq = 0;
    UserId author;
    std::vector<UserId> mentions;
  };
  std::map<ChatId, std::vector<Message>> messages_;
};

}  // namespace chat::sim
