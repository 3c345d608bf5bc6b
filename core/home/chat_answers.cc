#include "core/home/chat_answers.h"

namespace chat {
namespace {

constexpr size_t kMembersAnswered = 500;   // With the answer to a change.
constexpr int kMembersListedMax = 25'000;  // They have to fit into one frame between engines.

void fill_member(const MemberRow& row, v1::MemberInfo& out) {
  out.set_user_id(row.user.value);
  out.set_role(static_cast<v1::Role>(row.role));
  out.set_joined_seq(row.joined_seq);
  out.set_left_seq(row.left_seq == kStillMember ? 0 : row.left_seq);
  out.set_delivered_seq(row.delivered_seq);
  out.set_read_seq(row.read_seq);
  out.set_banned(row.banned);
}

}  // namespace

v1::Response send_ack(const ChatId& chat, const std::string& client_msg_id, uint64_t seq,
                      int64_t ts, v1::SendStatus status) {
  v1::Response response;
  v1::SendAck& ack = *response.mutable_send_ack();
  ack.set_client_msg_id(client_msg_id);
  ack.set_chat_id(chat.str());
  ack.set_seq(seq);
  ack.set_server_ts_ms(ts);
  ack.set_status(status);
  return response;
}

void fill_chat_info(const Chat& chat, v1::ChatInfo& out, bool with_members) {
  v1::ChatSummary& summary = *out.mutable_chat();
  summary.set_chat_id(chat.id.str());
  summary.set_kind(static_cast<v1::ChatKind>(chat.row.kind));
  summary.set_title(chat.row.title);
  summary.set_last_seq(chat.row.last_seq);
  summary.set_member_count(chat.row.member_count);
  summary.set_oldest_seq(chat.row.oldest_seq);
  summary.set_retention_ms(chat.row.retention_ms);
  summary.set_expires_ms(chat.row.expires_ms);
  out.set_fanned_seq(chat.row.fanned_seq);
  if (!with_members) return;
  const bool with_former = chat.members.size() <= kMembersListedMax;
  for (const auto& [user, member] : chat.members) {
    if (member.left_seq != kStillMember && !with_former) continue;
    if (out.members_size() == kMembersListedMax) return;
    fill_member(member, *out.add_members());
  }
}

v1::Response chat_info(const Chat& chat) {
  v1::Response response;
  fill_chat_info(chat, *response.mutable_chat(), chat.members.size() <= kMembersAnswered);
  return response;
}

}  // namespace chat
