#include "core/store/unread_count.h"

#include <algorithm>

#include "core/store/store_rules.h"
#include "core/wire/chat.pb.h"
#include "core/wire/peer.pb.h"

namespace chat {

UnreadRange unread_range(const UserChatRow& view, const ChatRow& chat, const MemberRow& member,
                         int64_t now_ms) {
  if (member.role == Role::none) return {};
  if (chat.expires_ms != 0 && now_ms >= chat.expires_ms) return {};
  const uint64_t read = std::max(view.read_seq, member.read_seq);
  return {std::max({read + 1, member.joined_seq, first_shown_seq(chat)}),
          std::min(chat.last_seq, member.left_seq),
          chat.retention_ms == 0 ? 0 : now_ms - chat.retention_ms};
}

bool UnreadCounter::add(std::string_view stored_event) {
  peer::StoredEvent stored;
  v1::Event event;
  const auto size = static_cast<int>(stored_event.size());
  if (stored.ParseFromArray(stored_event.data(), size) && stored.author() != user_.value &&
      event.ParseFromString(stored.event()) && event.has_message() &&
      event.server_ts_ms() >= oldest_ms_) {
    ++count_;
    const auto& mentions = event.message().mentions();
    if (std::find(mentions.begin(), mentions.end(), user_.value) != mentions.end()) ++mentions_;
  }
  return ++seen_ < kEventsMax && count_ < count_max_;
}

}  // namespace chat
