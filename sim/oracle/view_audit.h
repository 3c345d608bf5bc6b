// ViewAudit: whether what devices show at the end is what the logs say: the last text of every
// message, nothing that was deleted, the reactions as they are; and whether the logs themselves
// have buried what was deleted. What happened while a user was no member is not held against its
// devices. Thread rule: none.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "core/base/ids.h"
#include "core/store/chat_store.h"
#include "sim/oracle/message_view.h"
#include "sim/oracle/seq_set.h"

namespace chat::sim {

class ViewAudit {
 public:
  /// The events of the logs, ascending in each chat.
  void truth(const ChatId& chat, const v1::Event& event);
  /// Judges the logs; adds a line to `violations` for every text that a deletion has left.
  void judge_logs(std::vector<std::string>& violations) const;
  /// Judges what a device of `user` shows of a chat.
  void judge_view(UserId user, const std::string& device_id, const ChatId& chat,
                  const MessageView& view, std::vector<std::string>& violations) const;

 private:
  struct Chat {
    std::map<uint64_t, uint64_t> deletions;   ///< Target → the first deletion.
    std::map<uint64_t, uint64_t> tombstones;  ///< Seq → what it says that it was deleted by.
    std::map<uint64_t, std::vector<std::pair<uint64_t, uint64_t>>> texts;  ///< Target → seq, text.
    std::map<MessageView::Reaction, std::vector<uint64_t>> reactions;      ///< Seqs.
    std::map<UserId, std::vector<SeqRange>> members;
  };
  static bool gets(const ChatId& id, const Chat& chat, UserId user, uint64_t seq);

  std::map<ChatId, Chat> chats_;
};

}  // namespace chat::sim
