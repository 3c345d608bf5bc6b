// UnreadAudit: whether the unread counts that a user is told are what the log and the read marker
// say: messages of others after it, that are neither deleted nor too old. Thread rule: none.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "core/base/ids.h"
#include "core/base/time.h"
#include "core/wire/chat.pb.h"

namespace chat::sim {

class RetentionWatch;

/// What a user was told of its chats, and when.
struct ToldChats {
  v1::ChatList list;
  WallTime at;
};

class UnreadAudit {
 public:
  /// The events of the logs, ascending in each chat.
  void truth(const ChatId& chat, const v1::Event& event);
  /// Adds a line to `violations` for every count of the list that is wrong.
  void judge(UserId user, const ToldChats& told, const RetentionWatch& retention,
             std::vector<std::string>& violations) const;

 private:
  struct Counts {
    uint32_t unread = 0;
    uint32_t mentions = 0;
  };
  struct Message {
    uint64_t seq = 0;
    int64_t server_ts_ms = 0;
    UserId author;
    std::vector<UserId> mentions;
  };
  /// Of the messages from `oldest_ms` on.
  Counts counts_of(UserId user, const v1::ChatSummary& chat, const std::vector<Message>& messages,
                   int64_t oldest_ms) const;

  std::map<ChatId, std::vector<Message>> messages_;
};

}  // namespace chat::sim
