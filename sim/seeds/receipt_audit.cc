#include "sim/seeds/receipt_audit.h"

#include <algorithm>

#include "core/engine/engine.h"

namespace chat::sim {

void ReceiptBook::told(const ChatId& chat, UserId user, const Marks& marks) {
  Marks& known = marks_[{chat, user}];
  known.delivered_seq = std::max(known.delivered_seq, marks.delivered_seq);
  known.read_seq = std::max(known.read_seq, marks.read_seq);
}

ReceiptBook::Marks ReceiptBook::known(const ChatId& chat, UserId user) const {
  const auto found = marks_.find({chat, user});
  return found == marks_.end() ? Marks{} : found->second;
}

uint64_t ReceiptBook::first_seq(const ChatId& chat) const {
  const auto found = first_seq_.find(chat);
  return found == first_seq_.end() ? 0 : found->second;
}

void audit_receipts(ChatStore& store, UserId user, const std::string& device_id,
                    const ReceiptBook& book, std::vector<std::string>& violations) {
  ListUserChats list{.user = user};
  list.receipts = {.since_ms = 0, .members_max = EnginePolicy().receipt_push_members_max};
  const auto listed = std::get<UserChatsListed>(store.read(list));
  for (const auto& item : listed.items) {
    if (item.member.role == Role::none || item.member.left_seq != kStillMember) continue;
    if (item.chat.ended) continue;
    const ChatId& chat = item.view.chat;
    const uint64_t first = std::max(book.first_seq(chat) + 1, item.member.joined_seq);
    const auto judge = [&](const MemberRow& other, const char* what, uint64_t known,
                           uint64_t truth) {
      if (known == truth || (known < truth && truth < first)) return;
      violations.push_back(device_id + " thinks that user " + std::to_string(other.user.value) +
                           " has " + what + " chat " + chat.hex() + " up to " +
                           std::to_string(known) + ", it is " + std::to_string(truth));
    };
    for (const MemberRow& other : item.members) {
      if (other.user == user || other.left_seq != kStillMember) continue;
      const ReceiptBook::Marks known = book.known(chat, other.user);
      judge(other, "got", known.delivered_seq, other.delivered_seq);
      judge(other, "read", known.read_seq, other.read_seq);
    }
  }
}

}  // namespace chat::sim
