#include "core/home/chat_marks.h"

#include <algorithm>

#include "core/wire/peer.pb.h"

namespace chat {

void ChatMarks::raise(Chat& chat, EngineId from, const peer::MarksUpdate& frame,
                      const std::function<void(Chat&)>& arm_flush) {
  const UserId user{frame.user()};
  const auto found = chat.members.find(user);
  if (found == chat.members.end()) {
    // Nothing to keep: tell the user home so, else it sends for ever.
    MemberRow none{.user = user};
    none.delivered_seq = frame.delivered_seq();
    none.read_seq = frame.read_seq();
    answer(from, chat, none);
    return;
  }
  MemberRow& member = found->second;
  const uint64_t read = std::min(frame.read_seq(), chat.row.last_seq);
  const uint64_t delivered =
      std::min(std::max(frame.delivered_seq(), frame.read_seq()), chat.row.last_seq);
  // An append in flight may be storing it just now.
  const bool stored = !chat.appending && !chat.dirty_marks.contains(user);
  if (stored && delivered <= member.delivered_seq && read <= member.read_seq) {
    MemberRow confirmed = member;
    confirmed.delivered_seq = std::max(member.delivered_seq, frame.delivered_seq());
    confirmed.read_seq = std::max(member.read_seq, frame.read_seq());
    answer(from, chat, confirmed);
    return;
  }
  member.delivered_seq = std::max(member.delivered_seq, delivered);
  member.read_seq = std::max(member.read_seq, read);
  chat.dirty_marks[user].insert(from);
  arm_flush(chat);
  if (chat.row.member_count > context_.policy().receipt_push_members_max) return;
  chat.receipts_due.insert(user);
  if (!std::exchange(chat.receipts_armed, true)) {
    context_.arm(context_.policy().receipt_join, TimerKind::chat_receipts, chat.number);
  }
}

std::vector<ChatMarks::Taken> ChatMarks::take(Chat& chat) {
  std::vector<Taken> out;
  for (auto& [user, askers] : std::exchange(chat.dirty_marks, {})) {
    const auto member = chat.members.find(user);
    if (member != chat.members.end()) out.push_back({member->second, std::move(askers)});
  }
  return out;
}

void ChatMarks::put_back(Chat& chat, const std::vector<Taken>& taken) {
  for (const Taken& mark : taken) {
    chat.dirty_marks[mark.member.user].insert(mark.askers.begin(), mark.askers.end());
  }
}

void ChatMarks::stored(const Chat& chat, const std::vector<Taken>& taken) {
  for (const Taken& mark : taken) {
    for (EngineId engine : mark.askers) answer(engine, chat, mark.member);
  }
}

void ChatMarks::answer(EngineId to, const Chat& chat, const MemberRow& member) {
  peer::Frame frame;
  peer::MarksStored& stored = *frame.mutable_marks_stored();
  stored.set_chat_id(chat.id.str());
  stored.set_last_seq(chat.row.last_seq);
  stored.set_user(member.user.value);
  stored.set_delivered_seq(member.delivered_seq);
  stored.set_read_seq(member.read_seq);
  context_.post(to, std::move(frame));
}

void ChatMarks::on_receipts_timer(Chat& chat) {
  chat.receipts_armed = false;
  const auto due = std::exchange(chat.receipts_due, {});
  std::map<EngineId, peer::Frame> by_home;
  for (const auto& [user, member] : chat.members) {
    const auto home = context_.home_of(user);
    if (!home || member.left_seq != kStillMember) continue;
    if (due.size() == 1 && *due.begin() == user) continue;
    by_home[*home].mutable_receipt_fan_out()->add_users(user.value);
  }
  for (auto& [home, frame] : by_home) {
    for (UserId user : due) {
      const MemberRow& member = chat.members.at(user);
      v1::Receipt& receipt = *frame.mutable_receipt_fan_out()->add_receipts();
      receipt.set_chat_id(chat.id.str());
      receipt.set_user_id(user.value);
      receipt.set_delivered_seq(member.delivered_seq);
      receipt.set_read_seq(member.read_seq);
    }
    context_.post(home, std::move(frame));
  }
}

}  // namespace chat
