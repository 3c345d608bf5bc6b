#include "sim/seeds/unread_audit.h"

#include <algorithm>

#include "sim/seeds/retention_watch.h"

namespace chat::sim {
namespace {

constexpr uint32_t kCountMax = 100;
/// By how much the clocks of two engines may differ, and how long an answer is under way.
constexpr int64_t kClocksApartMs = 1'000;

}  // namespace

void UnreadAudit::truth(const ChatId& chat, const v1::Event& event) {
  if (!event.has_message()) return;
  Message message{.seq = event.seq(),
                  .server_ts_ms = event.server_ts_ms(),
                  .author = UserId{event.actor().user_id()},
                  .mentions = {}};
  for (uint64_t user : event.message().mentions()) message.mentions.push_back(UserId{user});
  messages_[chat].push_back(std::move(message));
}

UnreadAudit::Counts UnreadAudit::counts_of(UserId user, const v1::ChatSummary& chat,
                                           const std::vector<Message>& messages,
                                           int64_t oldest_ms) const {
  Counts counts;
  for (const Message& message : messages) {
    const bool shown = chat.role() != v1::ROLE_UNSPECIFIED && message.seq >= chat.joined_seq() &&
                       (chat.left_seq() == 0 || message.seq <= chat.left_seq()) &&
                       message.server_ts_ms >= oldest_ms;
    if (!shown || message.seq <= chat.read_seq() || message.author == user) continue;
    if (counts.unread == kCountMax) break;
    ++counts.unread;
    counts.mentions += static_cast<uint32_t>(
        std::count(message.mentions.begin(), message.mentions.end(), user) > 0);
  }
  return counts;
}

void UnreadAudit::judge(UserId user, const ToldChats& told, const RetentionWatch& retention,
                        std::vector<std::string>& violations) const {
  for (const v1::ChatSummary& chat : told.list.chats()) {
    const auto id = ChatId::from_bytes(chat.chat_id());
    const auto found = id ? messages_.find(*id) : messages_.end();
    if (found == messages_.end() || retention.is_temporary(*id)) continue;
    const int64_t kept_ms = retention.kept_ms(*id);
    const int64_t oldest_ms = kept_ms == 0 ? 0 : told.at.ms - kept_ms;
    const Counts most = counts_of(user, chat, found->second, oldest_ms - kClocksApartMs);
    const Counts least =
        kept_ms == 0 ? most : counts_of(user, chat, found->second, oldest_ms + kClocksApartMs);
    const auto within = [](uint32_t a, uint32_t b, uint32_t c) { return a <= b && b <= c; };
    if (within(least.unread, chat.unread_count(), most.unread) &&
        within(least.mentions, chat.unread_mentions(), most.mentions)) {
      continue;
    }
    violations.push_back(
        "user " + std::to_string(user.value) + " is told " + std::to_string(chat.unread_count()) +
        " unread and " + std::to_string(chat.unread_mentions()) + " mentions in chat " + id->hex() +
        ", it is " + std::to_string(most.unread) + " and " + std::to_string(most.mentions));
  }
}

}  // namespace chat::sim
