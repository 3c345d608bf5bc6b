// InboxLedger: which entry every position of every inbox was, as devices saw it. A position never
// changes its entry: an inbox_seq that is used again after a crash is found here, whichever device
// saw which of the two. Thread rule: one thread.
#pragma once

#include <algorithm>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "core/base/ids.h"

namespace chat::sim {

class InboxLedger {
 public:
  /// A device of `user` was shown (chat, seq) at `inbox_seq`; seq 0 is a read marker.
  void saw(UserId user, uint64_t inbox_seq, const ChatId& chat, uint64_t seq) {
    const Entry entry{chat, seq};
    const auto [known, added] = entries_.try_emplace({user, inbox_seq}, entry);
    if (!added && known->second != entry) {
      conflicts_.push_back("user " + std::to_string(user.value) + " inbox_seq " +
                           std::to_string(inbox_seq) + " was two entries: chat " +
                           known->second.first.hex() + " seq " +
                           std::to_string(known->second.second) + ", chat " + chat.hex() + " seq " +
                           std::to_string(seq));
    }
  }

  /// A Read of `user` was answered with this mark.
  void read_through(UserId user, const ChatId& chat, uint64_t seq) {
    uint64_t& mark = read_marks_[{chat, user}];
    mark = std::max(mark, seq);
  }

  const std::vector<std::string>& conflicts() const { return conflicts_; }
  const std::map<std::pair<ChatId, UserId>, uint64_t>& read_marks() const { return read_marks_; }

 private:
  using Entry = std::pair<ChatId, uint64_t>;
  std::map<std::pair<UserId, uint64_t>, Entry> entries_;
  std::vector<std::string> conflicts_;
  std::map<std::pair<ChatId, UserId>, uint64_t> read_marks_;
};

}  // namespace chat::sim
