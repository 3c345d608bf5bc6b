#include "core/home/chat_drafts.h"

#include <algorithm>
#include <set>
#include <string>

#include "core/home/chat_answers.h"
#include "core/home/chat_lifetime.h"
#include "core/home/message_change.h"
#include "core/home/operations.h"
#include "core/home/replies.h"
#include "core/wire/peer.pb.h"

namespace chat {
namespace {

constexpr size_t kMemberEventUsers = 500;

v1::Response refused(v1::Error error) {
  v1::Response response;
  *response.mutable_error() = std::move(error);
  return response;
}

v1::Response is_over() { return error_response(v1::NOT_FOUND, "the chat is over"); }

/// What one step makes of a member's row and tells in the event `seq`.
void take_step(const MemberStep& step, uint64_t seq, MemberRow& row, v1::MemberChange& told,
               Membership& changed) {
  const bool was_member = row.left_seq == kStillMember;
  switch (step.kind) {
    case MemberStep::Kind::unban:
      row.banned = false;
      told.add_unbanned(step.user.value);
      break;
    case MemberStep::Kind::join:
      row.role = step.role;
      row.joined_seq = seq;
      row.left_seq = kStillMember;
      told.add_joined(step.user.value);
      changed.joined.push_back(step.user);
      break;
    case MemberStep::Kind::leave:
      row.left_seq = seq;
      told.add_left(step.user.value);
      changed.left.push_back(step.user);
      break;
    case MemberStep::Kind::ban:
      row.banned = true;
      told.add_banned(step.user.value);
      if (!was_member) break;
      row.left_seq = seq;
      changed.left.push_back(step.user);
      break;
    case MemberStep::Kind::set_role:
      row.role = step.role;
      v1::RoleChange& role = *told.add_roles();
      role.set_user_id(step.user.value);
      role.set_role(static_cast<v1::Role>(step.role));
      break;
  }
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
  const auto add_all = [&](const auto& ids) {
    for (uint64_t id : ids) users.push_back(UserId{id});
  };
  if (op.request->has_send()) {
    if (chat.exists || !chat.id.is_direct() || chat.peer_exists || op.is_promised()) return users;
    const UserId user{op.request->user()};
    const auto [low, high] = chat.id.direct_users();
    if (user == low || user == high) users.push_back(user == low ? high : low);
  } else if (!op.users_checked && op.request->has_create_chat()) {
    add_all(op.request->create_chat().member_ids());
  } else if (!op.users_checked && op.request->has_change_members()) {
    add_all(op.request->change_members().add());
    add_all(op.request->change_members().ban());
  }
  return users;
}

std::optional<uint64_t> ChatDrafts::event_to_read(const Chat& chat, const Draft& draft,
                                                  const ChatOp& op) {
  // What was read holds as long as nobody has written since.
  if (chat.row.ended || op.read_at == chat.row.last_seq) return std::nullopt;
  switch (op.request->op_case()) {
    case peer::HomeRequest::kSend: {
      // A seq that is not known here tells, if it exists, that another home has written.
      const uint64_t replied = op.request->send().reply_to_seq();
      return replied > draft.command.row.last_seq ? std::optional(replied) : std::nullopt;
    }
    case peer::HomeRequest::kEdit:
      return op.request->edit().target_seq();
    case peer::HomeRequest::kDeleteMessage:
      return op.request->delete_message().target_seq();
    case peer::HomeRequest::kReact:
      return op.request->react().target_seq();
    default:
      return std::nullopt;
  }
}

bool ChatDrafts::waits_for_fan_out(const Chat& chat, const ChatOp& op) {
  // An end prunes everything before: that has to be in every inbox.
  const bool ends = op.request->has_delete_chat() || op.request->has_end_chat();
  return ends && chat.row.fanned_seq < chat.row.last_seq;
}

std::optional<v1::Response> ChatDrafts::add(const Chat& chat, Draft& draft,
                                            const ChatOp& op) const {
  if (chat.row.ended && !op.request->has_create_chat()) return is_over();
  switch (op.request->op_case()) {
    case peer::HomeRequest::kEndChat:
      return add_own_end(chat, draft, op);
    case peer::HomeRequest::kSend:
      return add_send(chat, draft, op);
    case peer::HomeRequest::kCreateChat:
      return add_create(chat, draft, op);
    case peer::HomeRequest::kChangeMembers:
      return add_member_change(chat, draft, op);
    case peer::HomeRequest::kUpdateChat:
      return add_update(chat, draft, op);
    case peer::HomeRequest::kDeleteChat:
      return add_deletion(chat, draft, op);
    default:
      return add_message_change(chat, draft, op);
  }
}

std::optional<v1::Response> ChatDrafts::add_send(const Chat& chat, Draft& draft,
                                                 const ChatOp& op) const {
  const UserId user{op.request->user()};
  const v1::Send& send = op.request->send();
  bool allowed = chat.is_active(user) || (chat.exists && op.is_promised());
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
  if (send.reply_to_seq() > draft.command.row.last_seq) {
    return error_response(v1::INVALID_ARGUMENT, "there is no message to reply to at reply_to_seq");
  }
  v1::Event event;
  v1::Message& message = *event.mutable_message();
  message.set_text(send.text());
  *message.mutable_attachments() = send.attachments();
  message.set_reply_to_seq(send.reply_to_seq());
  message.set_client_time_ms(send.client_time_ms());
  *message.mutable_mentions() = send.mentions();
  add_event(chat, draft, event, op);
  return std::nullopt;
}

std::optional<v1::Response> ChatDrafts::add_create(const Chat& chat, Draft& draft,
                                                   const ChatOp& op) const {
  if (chat.exists) return chat_info(chat);
  const v1::CreateChat& create = op.request->create_chat();
  MemberSteps joined;
  std::set<UserId> seen;
  const auto add_member = [&](UserId user) {
    if (!user || !seen.insert(user).second) return;
    joined.push_back({MemberStep::Kind::join, user, joined.empty() ? Role::owner : Role::member});
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
    for (MemberStep& member : joined) member.role = Role::member;
  }
  draft.command.row.kind = static_cast<ChatKind>(create.kind());
  draft.command.row.title = create.title();
  draft.command.row.created_ms = context_.wall.ms;
  draft.command.row.retention_ms = create.retention_ms();
  if (create.ttl_ms() > 0) draft.command.row.expires_ms = context_.wall.ms + create.ttl_ms();
  add_member_events(chat, draft, op, joined);
  return std::nullopt;
}

std::optional<v1::Response> ChatDrafts::add_member_change(const Chat& chat, Draft& draft,
                                                          const ChatOp& op) const {
  if (!chat.exists) return error_response(v1::NOT_FOUND, "there is no such chat");
  if (chat.row.kind == ChatKind::direct) {
    return error_response(v1::INVALID_ARGUMENT, "the members of a direct chat are fixed");
  }
  const RuntimeLimits& limits = context_.limits();
  const size_t limit =
      chat.row.kind == ChatKind::room ? limits.room_members_max : limits.group_members_max;
  auto planned =
      plan_member_change(chat, UserId{op.request->user()}, op.request->change_members(), limit);
  if (auto* error = std::get_if<v1::Error>(&planned)) return refused(std::move(*error));
  const auto& steps = std::get<MemberSteps>(planned);
  if (steps.empty()) return chat_info(chat);
  add_member_events(chat, draft, op, steps);
  return std::nullopt;
}

void ChatDrafts::add_member_events(const Chat& chat, Draft& draft, const ChatOp& op,
                                   const MemberSteps& steps) const {
  for (size_t from = 0; from < steps.size(); from += kMemberEventUsers) {
    v1::Event event;
    Membership changed;
    const uint64_t seq = draft.command.expected_last_seq + draft.events.size() + 1;
    for (size_t i = from; i < std::min(steps.size(), from + kMemberEventUsers); ++i) {
      const MemberStep& step = steps[i];
      const auto [at, is_new] = draft.members.try_emplace(step.user);
      if (is_new) {
        const MemberRow* before = chat.member(step.user);
        at->second = before ? *before : MemberRow{.user = step.user, .left_seq = 0};
      }
      take_step(step, seq, at->second, *event.mutable_member(), changed);
    }
    ChatRow& row = draft.command.row;
    row.member_count += static_cast<uint32_t>(changed.joined.size());
    row.member_count -= static_cast<uint32_t>(changed.left.size());
    add_event(chat, draft, event, op, changed);
  }
}

std::optional<v1::Response> ChatDrafts::add_update(const Chat& chat, Draft& draft,
                                                   const ChatOp& op) const {
  if (!chat.exists) return error_response(v1::NOT_FOUND, "there is no such chat");
  const Permission who{.kind = chat.row.kind,
                       .actor = standing_in(chat, UserId{op.request->user()})};
  if (!is_permitted(ChatAction::update, who)) {
    return error_response(v1::PERMISSION_DENIED, "only an admin of this chat changes its settings");
  }
  const v1::UpdateChat& update = op.request->update_chat();
  ChatRow& row = draft.command.row;
  if (update.has_title()) row.title = update.title();
  if (update.has_retention_ms()) row.retention_ms = update.retention_ms();
  if (row.title == chat.row.title && row.retention_ms == chat.row.retention_ms) {
    return chat_info(chat);
  }
  v1::Event event;
  event.mutable_chat_updated()->set_title(row.title);
  event.mutable_chat_updated()->set_retention_ms(row.retention_ms);
  add_event(chat, draft, event, op);
  return std::nullopt;
}

std::optional<v1::Response> ChatDrafts::add_deletion(const Chat& chat, Draft& draft,
                                                     const ChatOp& op) const {
  if (!chat.exists) return error_response(v1::NOT_FOUND, "there is no such chat");
  if (chat.row.kind == ChatKind::direct) {
    return error_response(v1::INVALID_ARGUMENT, "a direct chat never ends");
  }
  const Permission who{.kind = chat.row.kind,
                       .actor = standing_in(chat, UserId{op.request->user()})};
  if (!is_permitted(ChatAction::end, who)) {
    return error_response(v1::PERMISSION_DENIED, "only its owner ends a chat");
  }
  add_end(chat, draft, op, v1::DELETED);
  return std::nullopt;
}

/// Of a chat whose time has come; nobody waits for the answer.
std::optional<v1::Response> ChatDrafts::add_own_end(const Chat& chat, Draft& draft,
                                                    const ChatOp& op) const {
  if (end_due(chat.row, context_.wall, context_.policy()) == EndReason::none) {
    return chat_info(chat);
  }
  add_end(chat, draft, op, op.request->end_chat().reason());
  return std::nullopt;
}

void ChatDrafts::add_end(const Chat& chat, Draft& draft, const ChatOp& op,
                         v1::ExpiryReason reason) const {
  v1::Event event;
  event.mutable_expired()->set_up_to_seq(draft.command.row.last_seq);
  event.mutable_expired()->set_reason(reason);
  add_event(chat, draft, event, op);
  draft.command.row.ended = true;
  draft.command.row.oldest_seq = draft.command.row.last_seq;
}

std::optional<v1::Response> ChatDrafts::add_message_change(const Chat& chat, Draft& draft,
                                                           const ChatOp& op) const {
  const peer::HomeRequest& request = *op.request;
  const peer::StoredEvent* target = op.target.get();
  if (auto error = refuse_message_change(chat, request, target)) return refused(std::move(*error));
  v1::Event event;
  if (request.has_edit()) {
    event.mutable_edited()->set_target_seq(target->seq());
    event.mutable_edited()->set_text(request.edit().text());
    add_event(chat, draft, event, op);
    draft.command.rewrites = {remember_edit(*target, event, request.edit().client_op_id())};
  } else if (request.has_delete_message()) {
    event.mutable_deleted()->set_target_seq(target->seq());
    add_event(chat, draft, event, op);
    draft.command.rewrites = tombstones_of(*target, event.seq(), chat.row.oldest_seq);
  } else {
    event.mutable_reaction()->set_target_seq(target->seq());
    event.mutable_reaction()->set_reaction(request.react().reaction());
    event.mutable_reaction()->set_removed(request.react().remove());
    add_event(chat, draft, event, op);
  }
  return std::nullopt;
}

void ChatDrafts::add_event(const Chat& chat, Draft& draft, v1::Event& event, const ChatOp& op,
                           const Membership& changed) const {
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
  for (UserId user : changed.joined) stored->add_joined(user.value);
  for (UserId user : changed.left) stored->add_left(user.value);
  stored->set_everyone(event.has_expired());
  stored->set_life_cycle(event.has_member() || event.has_expired() || row.last_seq == 1);
  // An operation of several events is known by its first one.
  const auto& keys = draft.command.keys;
  const bool is_first = std::none_of(keys.begin(), keys.end(), [&](const KeyRow& known) {
    return known.user.value == op.request->user() && known.key == op.key;
  });
  if (op.key && is_first) {
    stored->set_client_msg_id(key_bytes_of(*op.request));
    draft.command.keys.push_back(
        {.user = UserId{op.request->user()},
         .key = *op.key,
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
