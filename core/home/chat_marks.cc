#include "core/home/chat_marks.h"

#include <algorithm>

#include "core/wire/peer.pb.h"

namespace chat {
namespace {

constexpr Duration kTellAgain = seconds(15);  // Longer than a link stays without being given up.

/// What others may know of a member: what was told once must survive a crash.
StoredMarks stored_marks_of(const Chat& chat, const MemberRow& member) {
  const auto unstored = chat.stored_marks.find(member.user);
  if (unstored != chat.stored_marks.end()) return unstored->second;
  return {member.delivered_seq, member.read_seq};
}

void fill(const Chat& chat, const MemberRow& member, v1::Receipt& out) {
  const StoredMarks marks = stored_marks_of(chat, member);
  out.set_chat_id(chat.id.str());
  out.set_user_id(member.user.value);
  out.set_delivered_seq(marks.delivered_seq);
  out.set_read_seq(marks.read_seq);
}

}  // namespace

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
  // Clients may say that they have read what is not there, but what was delivered is. An end of the
  // chat below that is old, and the store refuses what is written with it.
  const uint64_t end = std::max(chat.row.last_seq, frame.delivered_seq());
  const uint64_t read = std::min(frame.read_seq(), end);
  const uint64_t delivered = std::max(frame.delivered_seq(), read);
  // An append in flight may be storing it just now.
  const bool stored = !chat.appending && !chat.dirty_marks.contains(user);
  if (stored && delivered <= member.delivered_seq && read <= member.read_seq) {
    MemberRow confirmed = member;
    confirmed.delivered_seq = std::max(member.delivered_seq, frame.delivered_seq());
    confirmed.read_seq = std::max(member.read_seq, frame.read_seq());
    answer(from, chat, confirmed);
    return;
  }
  chat.stored_marks.try_emplace(user, StoredMarks{member.delivered_seq, member.read_seq});
  member.delivered_seq = std::max(member.delivered_seq, delivered);
  member.read_seq = std::max(member.read_seq, read);
  chat.dirty_marks[user].insert(from);
  arm_flush(chat);
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

void ChatMarks::stored(Chat& chat, const std::vector<Taken>& taken) {
  for (const Taken& mark : taken) {
    for (EngineId engine : mark.askers) answer(engine, chat, mark.member);
    const UserId user = mark.member.user;
    if (chat.dirty_marks.contains(user)) {
      chat.stored_marks[user] = {mark.member.delivered_seq, mark.member.read_seq};
    } else {
      chat.stored_marks.erase(user);
    }
    if (are_told(chat.row)) chat.receipts_due.insert(mark.member.user);
  }
  tell_due(chat);
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

// ---------------------------------------------------------------- receipts

bool ChatMarks::are_told(const ChatRow& row) const {
  return row.member_count <= context_.policy().receipt_push_members_max;
}

void ChatMarks::stamp(ChatRow& row) const {
  if (are_told(row)) row.receipts_ms = std::max(row.receipts_ms, context_.wall.ms);
}

void ChatMarks::on_receipts_timer(Chat& chat) {
  chat.receipts_armed = false;
  tell_due(chat);
}

void ChatMarks::tell_due(Chat& chat) {
  if (chat.receipts_due.empty()) return;
  if (context_.now < chat.receipts_not_before) {
    if (std::exchange(chat.receipts_armed, true)) return;
    context_.arm(chat.receipts_not_before - context_.now, TimerKind::chat_receipts, chat.number);
    return;
  }
  chat.receipts_not_before = context_.now + context_.policy().receipt_join;
  tell(chat, std::exchange(chat.receipts_due, {}));
}

void ChatMarks::tell(const Chat& chat, const std::set<UserId>& users) {
  std::map<EngineId, peer::Frame> by_home;
  for (const auto& [user, member] : chat.members) {
    const auto home = context_.home_of(user);
    if (!home || member.left_seq != kStillMember) continue;
    if (users.size() == 1 && *users.begin() == user) continue;
    by_home[*home].mutable_receipt_fan_out()->add_users(user.value);
  }
  for (auto& [home, frame] : by_home) {
    for (UserId user : users) {
      const MemberRow* member = chat.member(user);
      if (!member || member->left_seq != kStillMember) continue;
      fill(chat, *member, *frame.mutable_receipt_fan_out()->add_receipts());
    }
    context_.post(home, std::move(frame));
  }
}

void ChatMarks::tell_again(Chat& chat) {
  if (chat.receipts_not_before == Instant{} || !are_told(chat.row)) return;
  if (context_.now - chat.receipts_not_before > kTellAgain) return;
  std::set<UserId> users;
  for (const auto& [user, member] : chat.members) {
    if (member.left_seq == kStillMember && member.delivered_seq > 0) users.insert(user);
  }
  tell(chat, users);
}

void ChatMarks::summarize(const Chat& chat, uint64_t seq, UserId author,
                          v1::ReceiptSummary& out) const {
  uint32_t members = 0, delivered = 0, read = 0;
  for (const auto& [user, member] : chat.members) {
    if (are_told(chat.row) && member.left_seq == kStillMember) {
      fill(chat, member, *out.add_receipts());
    }
    if (user == author || member.joined_seq > seq || member.left_seq < seq) continue;
    ++members;
    const StoredMarks marks = stored_marks_of(chat, member);
    if (std::max(marks.delivered_seq, marks.read_seq) >= seq) ++delivered;
    if (marks.read_seq >= seq) ++read;
  }
  out.set_chat_id(chat.id.str());
  out.set_seq(seq);
  out.set_member_count(members);
  out.set_delivered_count(delivered);
  out.set_read_count(read);
}

}  // namespace chat
