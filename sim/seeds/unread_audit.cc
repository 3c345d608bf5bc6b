#include "sim/seeds/unread_audit.h"

#include <algorithm>

#include "core/wire/chat.pb.h"

namespace chat::sim {
namespace {

constexpr uint32_t kCountMax = 100;

}  // namespace

void UnreadAudit::truth(const ChatId& chat, const v1::Event& event) {
  if (!event.has_message()) return;
  Message message{.seq = event.seq(), .author = UserId{event.actor().user_id()}, .mentions = {}};
  for (uint64_t user : event.message().mentions()) message.mentions.push_back(UserId{user});
  messages_[chat].push_back(std::move(message));
}

void UnreadAudit::judge(UserId user, const v1::ChatList& list,
                        std::vector<std::string>& violations) const {
  for (const v1::ChatSummary& chat : list.chats()) {
    const auto id = ChatId::from_bytes(chat.chat_id());
    const auto found = id ? messages_.find(*id) : messages_.end();
    if (found == messages_.end()) continue;
    uint32_t unread = 0, mentions = 0;
    for (const Message& message : found->second) {
      const bool shown = chat.role() != v1::ROLE_UNSPECIFIED && message.seq >= chat.joined_seq() &&
                         (chat.left_seq() == 0 || message.seq <= chat.left_seq());
      if (!shown || message.seq <= chat.read_seq() || message.author == user) continue;
      if (unread == kCountMax) break;
      ++unread;
      mentions += static_cast<uint32_t>(
          std::count(message.mentions.begin(), message.mentions.end(), user) > 0);
    }
    if (chat.unread_count() == unread && chat.unread_mentions() == mentions) continue;
    violations.push_back("user " + std::to_string(user.value) + " is told " +
                         std::to_string(chat.unread_count()) + " unread and " +
                         std::to_string(chat.unread_mentions()) + " mentions in chat " + id->hex() +
                         ", it is " + std::to_string(unread) + " and " + std::to_string(mentions));
  }
}

}  // namespace chat::sim
