#include "core/home/chat_drafts.h"

#include <algorithm>
#include <set>
#include <string>

#include "core/home/chat_answers.h"
#include "core/home/replies.h"
#include "core/wire/peer.pb.h"

namespace chat {
namespace {

constexpr int kMemberEventUsers = 500;

bool may_change_members(const Chat& chat, UserId user, const v1::ChangeMembers& change) {
  if (!user) return true;
  const MemberRow* member = chat.member(user);
  const bool active = member && member->left_seq == kStillMember;
  if (active && member->role >= Role::admin) return true;
  const bool only_self_leaves =
      change.add_size() == 0 && change.remove_size() == 1 && change.remove(0) == user.value;
  const bool only_self_joins =
      change.remove_size() == 0 && change.add_size() == 1 && change.add(0) == user.value;
  return (active && only_self_leaves) || (chat.row.kind == ChatKind::room && only_self_joins);
}

}  // namespace

Draft ChatDrafts::begin(const Chat& chat) {
  Draft draft;
  draft.command.chat = chat.id;
  draft.command.expected_last_seq = chat.row.last_seq;
  draft.command.row = chat.row;
  return draft;
}

std::vector<UserId> ChatDrafts::users_to_check(const Chat& chat, const ChatOp& op) {
  std::vector<UserId> users;
  if (op.request->has_send()) {
    if (chat.exists || !chat.id.is_direct() || chat.peer_exists) return users;
    const UserId user{op.request->user()};
    const auto [low, high] = chat.id.direct_users();
    if (user == low || user == high) users.push_back(user == low ? high : low);
  } else if (!op.users_checked && op.request->has_create_chat()) {
    for (uint64_t id : op.request->create_chat().member_ids()) users.push_back(UserId{id});
  } else if (!op.users_checked) {
    for (uint64_t id : op.request->change_members().add()) users.push_back(UserId{id});
  }
  return users;
}

std::optional<v1::Response> ChatDrafts::add(const Chat& chat, Draft& draft,
                                            const ChatOp& op) const {
  switch (op.request->op_case()) {
    case peer::HomeRequest::kSend:
      return add_send(chat, draft, op);
    case peer::HomeRequest::kCreateChat:
      return add_create(chat, draft, op);
    default:
      return add_change(chat, draft, op);
  }
}

std::optional<v1::Response> ChatDrafts::add_send(const Chat& chat, Draft& draft,
                                                 const ChatOp& op) const {
  const UserId user{op.request->user()};
  const v1::Send& send = op.request->send();
  bool allowed = chat.is_active(user);
  if (!chat.exists && chat.id.is_direct()) {
    const auto [low, high] = chat.id.direct_users();
    allowed = user == low || user == high;
    if (allowed && draft.members.empty()) {
      draft.command.row.kind = ChatKind::direct;
      draft.command.row.created_ms = context_.wall.ms;
      draft.command.row.member_count = 2;
      for (UserId member : {low, high}) {
        draft.members[member] = {.user = member, .role = Role::member, .joined_seq = 1};
      }
    }
  }
  if (!allowed) {
    return error_response(v1::PERMISSION_DENIED, "you are no member of this chat");
  }
  v1::Event event;
  v1::Message& message = *event.mutable_message();
  message.set_text(send.text());
  *message.mutable_attachments() = send.attachments();
  message.set_reply_to_seq(send.reply_to_seq());
  message.set_client_time_ms(send.client_time_ms());
  add_event(chat, draft, event, op);
  return std::nullopt;
}

std::optional<v1::Response> ChatDrafts::add_create(const Chat& chat, Draft& draft,
                                                   const ChatOp& op) const {
  if (chat.exists) return chat_info(chat);
  const v1::CreateChat& create = op.request->create_chat();
  Members joined;
  std::set<UserId> seen;
  const auto add_member = [&](UserId user) {
    if (!user || !seen.insert(user).second) return;
    joined.emplace_back(user, joined.empty() ? Role::owner : Role::member);
  };
  add_member(UserId{op.request->user()});
  for (uint64_t id : create.member_ids()) add_member(UserId{id});
  const RuntimeLimits& limits = context_.limits();
  const size_t limit = create.kind() == v1::ROOM    ? limits.room_members_max
                       : create.kind() == v1::GROUP ? limits.group_members_max
                                                    : 2;
  if (joined.size() > limit) {
    return error_response(v1::LIMIT_REACHED,
                          "a chat of this kind has at most " + std::to_string(limit) + " members");
  }
  if (create.kind() == v1::DIRECT) {
    for (auto& member : joined) member.second = Role::member;
  }
  draft.command.row.kind = static_cast<ChatKind>(create.kind());
  draft.command.row.title = create.title();
  draft.command.row.created_ms = context_.wall.ms;
  add_member_events(chat, draft, op, joined, {});
  return std::nullopt;
}

std::optional<v1::Response> ChatDrafts::add_change(const Chat& chat, Draft& draft,
                                                   const ChatOp& op) const {
  const v1::ChangeMembers& change = op.request->change_members();
  if (!chat.exists) return error_response(v1::NOT_FOUND, "there is no such chat");
  if (chat.row.kind == ChatKind::direct) {
    return error_response(v1::INVALID_ARGUMENT, "the members of a direct chat are fixed");
  }
  if (!may_change_members(chat, UserId{op.request->user()}, change)) {
    return error_response(v1::PERMISSION_DENIED,
                          "only an admin of this chat may change its members");
  }
  Members joined;
  std::vector<UserId> left;
  std::set<UserId> seen;
  for (uint64_t id : change.add()) {
    if (!chat.is_active(UserId{id}) && seen.insert(UserId{id}).second) {
      joined.emplace_back(UserId{id}, Role::member);
    }
  }
  for (uint64_t id : change.remove()) {
    if (chat.is_active(UserId{id}) && seen.insert(UserId{id}).second) left.push_back(UserId{id});
  }
  const RuntimeLimits& limits = context_.limits();
  const size_t limit =
      chat.row.kind == ChatKind::room ? limits.room_members_max : limits.group_members_max;
  if (!joined.empty() && chat.row.member_count + joined.size() - left.size() > limit) {
    return error_response(v1::LIMIT_REACHED,
                          "this chat has at most " + std::to_string(limit) + " members");
  }
  if (joined.empty() && left.empty()) return chat_info(chat);
  add_member_events(chat, draft, op, joined, left);
  return std::nullopt;
}

void ChatDrafts::add_member_events(const Chat& chat, Draft& draft, const ChatOp& op,
                                   const Members& joined, const std::vector<UserId>& left) const {
  size_t next_joined = 0, next_left = 0;
  while (next_joined < joined.size() || next_left < left.size()) {
    v1::Event event;
    v1::MemberChange& change = *event.mutable_member();
    std::vector<UserId> in, out;
    const uint64_t seq = draft.command.expected_last_seq + draft.events.size() + 1;
    for (; next_joined < joined.size() && change.joined_size() < kMemberEventUsers; ++next_joined) {
      const auto& [user, role] = joined[next_joined];
      change.add_joined(user.value);
      in.push_back(user);
      MemberRow row{.user = user, .role = role, .joined_seq = seq};
      if (const MemberRow* before = chat.member(user)) {
        row.delivered_seq = before->delivered_seq;
        row.read_seq = before->read_seq;
      }
      draft.members[user] = row;
      ++draft.command.row.member_count;
    }
    for (; next_left < left.size() && change.joined_size() + change.left_size() < kMemberEventUsers;
         ++next_left) {
      const UserId user = left[next_left];
      change.add_left(user.value);
      out.push_back(user);
      MemberRow row = *chat.member(user);
      row.left_seq = seq;
      draft.members[user] = row;
      --draft.command.row.member_count;
    }
    add_event(chat, draft, event, op, in, out);
  }
}

void ChatDrafts::add_event(const Chat& chat, Draft& draft, v1::Event& event, const ChatOp& op,
                           const std::vector<UserId>& joined,
                           const std::vector<UserId>& left) const {
  ChatRow& row = draft.command.row;
  row.last_seq = draft.command.expected_last_seq + draft.events.size() + 1;
  row.last_ts_ms = std::max(row.last_ts_ms, context_.wall.ms);
  event.set_chat_id(chat.id.str());
  event.set_seq(row.last_seq);
  event.set_server_ts_ms(row.last_ts_ms);
  event.mutable_actor()->set_user_id(op.request->user());
  event.mutable_actor()->set_name(op.request->user_name());
  auto stored = std::make_shared<peer::StoredEvent>();
  event.SerializeToString(stored->mutable_event());
  stored->set_seq(row.last_seq);
  stored->set_author(op.request->user());
  for (UserId user : joined) stored->add_joined(user.value);
  for (UserId user : left) stored->add_left(user.value);
  if (op.request->has_send()) {
    stored->set_client_msg_id(op.request->send().client_msg_id());
    draft.command.keys.push_back(
        {.user = UserId{op.request->user()},
         .key = op.key,
         .seq = row.last_seq,
         .server_ts_ms = row.last_ts_ms,
         .content_hash = op.content_hash,
         .expires_ms = (context_.wall + context_.policy().idempotency_ttl).ms});
  }
  draft.command.events.push_back({row.last_seq, stored->SerializeAsString()});
  draft.bytes += stored->event().size();
  draft.events.push_back(std::move(stored));
}

}  // namespace chat
