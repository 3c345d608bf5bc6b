// ReceiptAudit: whether every device that wants receipts knows the true marks at the end. In chats
// of at most `members_max` members a device has to know every mark of the others that rose after it
// began to listen: the highest that it was ever told, for receipts are up-to positions and the
// maximum wins, has to be what the store says. A mark that is higher than any in the store was
// never true. Thread rule: none.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "core/store/chat_store.h"

namespace chat::sim {

/// What one device was told of others' marks.
class ReceiptBook {
 public:
  struct Marks {
    uint64_t delivered_seq = 0;
    uint64_t read_seq = 0;
  };

  void told(const ChatId& chat, UserId user, const Marks& marks);
  /// The device's first snapshot showed the chat up to this seq: higher marks rose later.
  void starts_after(const ChatId& chat, uint64_t seq) { first_seq_[chat] = seq; }

  Marks known(const ChatId& chat, UserId user) const;
  uint64_t first_seq(const ChatId& chat) const;

 private:
  std::map<std::pair<ChatId, UserId>, Marks> marks_;
  std::map<ChatId, uint64_t> first_seq_;
};

/// Adds a line to `violations` for every mark that the device of `user` does not know rightly.
void audit_receipts(ChatStore& store, UserId user, const std::string& device_id,
                    const ReceiptBook& book, std::vector<std::string>& violations);

}  // namespace chat::sim
