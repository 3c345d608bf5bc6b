#include "core/session/request_check.h"

#include <algorithm>
#include <optional>

#include "core/home/replies.h"

namespace chat {
namespace {

constexpr int kMembersPerChange = 500;
constexpr int kMentionsMax = 50;
constexpr size_t kTitleBytesMax = 256;
constexpr size_t kReactionBytesMax = 64;

constexpr int64_t kKeptMsMin = 1'000;
constexpr int64_t kKeptMsMax = int64_t{100} * 366 * 24 * 3'600 * 1'000;

bool valid_user(uint64_t id) { return id != 0 && id <= kUserIdMax; }

v1::Error invalid(std::string text) { return wire_error(v1::INVALID_ARGUMENT, std::move(text)); }

v1::Error for_send(const v1::Send& send, v1::Error error) {
  error.set_client_msg_id(send.client_msg_id());
  return error;
}

v1::Error too_long(const EnginePolicy& policy, const std::string& text) {
  return wire_error(v1::TOO_LARGE, "the text has " + std::to_string(text.size()) +
                                       " bytes, at most " +
                                       std::to_string(policy.message_bytes_max) + " are taken");
}

/// The chat of an edit, a deletion or a reaction; the error names the operation.
template <class Operation>
Checked<ChatId> check_operation(const Operation& operation, std::optional<v1::Error> refused) {
  Checked<ChatId> chat = check_chat_id(operation.chat_id());
  if (!OpKey::from_bytes(operation.client_op_id())) {
    chat = invalid("client_op_id has to have 16 bytes");
  } else if (operation.target_seq() == 0) {
    chat = invalid("target_seq has to name a message");
  } else if (refused) {
    chat = *refused;
  }
  if (auto* error = std::get_if<v1::Error>(&chat)) {
    error->set_client_msg_id(operation.client_op_id());
  }
  return chat;
}

/// The key of a change of the chat itself may be left out.
template <class Operation>
Checked<ChatId> check_change(const Operation& change) {
  if (!change.client_op_id().empty() && !OpKey::from_bytes(change.client_op_id())) {
    return invalid("client_op_id has to have 16 bytes or none");
  }
  return check_chat_id(change.chat_id());
}

}  // namespace

bool is_valid_time_kept(int64_t ms) { return ms == 0 || (ms >= kKeptMsMin && ms <= kKeptMsMax); }

Checked<ChatId> check_chat_id(const std::string& chat_id) {
  const auto id = ChatId::from_bytes(chat_id);
  if (!id) return invalid("chat_id has to be the 16 bytes of a chat's id");
  return *id;
}

Checked<ChatId> check_send(const EnginePolicy& policy, const RuntimeLimits& limits, UserId user,
                           v1::Send& send) {
  if (!OpKey::from_bytes(send.client_msg_id())) {
    return for_send(send, invalid("client_msg_id has to have 16 bytes"));
  }
  if (send.text().empty() && send.attachments().empty()) {
    return for_send(send, invalid("a message needs a text or an attachment"));
  }
  if (!send.attachments().empty() && !limits.attachments_allowed) {
    return for_send(send, wire_error(v1::PERMISSION_DENIED, "attachments are switched off"));
  }
  if (send.text().size() > policy.message_bytes_max) {
    return for_send(send, too_long(policy, send.text()));
  }
  const auto& mentions = send.mentions();
  if (mentions.size() > kMentionsMax) {
    return for_send(send, invalid("a message mentions at most 50 users"));
  }
  if (!std::all_of(mentions.begin(), mentions.end(), valid_user)) {
    return for_send(send, invalid("mentions has a number that is no user id"));
  }
  if (send.ByteSizeLong() > policy.event_bytes_max) {
    return for_send(send, wire_error(v1::TOO_LARGE, "text and attachments are too large together"));
  }
  if (send.to_case() == v1::Send::kPeerUserId) {
    const uint64_t peer = send.peer_user_id();
    if (!valid_user(peer) || peer == user.value) {
      return for_send(send, invalid("peer_user_id has to name another user"));
    }
    const ChatId chat = ChatId::direct(user, UserId{peer});
    send.set_chat_id(chat.str());
    return chat;
  }
  Checked<ChatId> chat = check_chat_id(send.chat_id());
  if (const auto* error = std::get_if<v1::Error>(&chat)) return for_send(send, *error);
  return chat;
}

Checked<ChatId> check_create(UserId user, const ChatId& fresh_id, v1::CreateChat& create) {
  if (create.title().size() > kTitleBytesMax) {
    return invalid("the title has more than 256 bytes");
  }
  if (!is_valid_time_kept(create.retention_ms()) || !is_valid_time_kept(create.ttl_ms())) {
    return invalid("retention_ms and ttl_ms are 0 or 1,000 (one second) up to 100 years");
  }
  if (create.kind() == v1::DIRECT && create.ttl_ms() != 0) {
    return invalid("a direct chat cannot be temporary: its users could never write again");
  }
  const auto& members = create.member_ids();
  if (!std::all_of(members.begin(), members.end(), valid_user)) {
    return invalid("member_ids has a number that is no user id");
  }
  ChatId id = fresh_id;
  switch (create.kind()) {
    case v1::DIRECT: {
      const bool by_operator = !user;
      if (members.size() != (by_operator ? 2 : 1)) {
        return invalid("a direct chat is made with exactly one other user");
      }
      const UserId first = by_operator ? UserId{members[1]} : user;
      if (first.value == members[0]) return invalid("a direct chat needs two users");
      id = ChatId::direct(first, UserId{members[0]});
      break;
    }
    case v1::GROUP:
    case v1::ROOM:
      if (!user && members.empty() && create.kind() == v1::GROUP) {
        return invalid("a group needs a member");
      }
      if (!user && !create.chat_id().empty()) {
        const auto fixed = ChatId::from_bytes(create.chat_id());
        if (!fixed || fixed->is_direct()) return invalid("chat_id is no id of a group or room");
        id = *fixed;
      }
      break;
    default:
      return invalid("kind has to be DIRECT, GROUP or ROOM");
  }
  if (!user && members.empty()) return invalid("a chat made by the operator needs a member");
  create.set_chat_id(id.str());
  return id;
}

Checked<ChatId> check_edit(const EnginePolicy& policy, const v1::Edit& edit) {
  std::optional<v1::Error> refused;
  if (edit.text().size() > policy.message_bytes_max) refused = too_long(policy, edit.text());
  return check_operation(edit, refused);
}

Checked<ChatId> check_delete(const v1::Delete& deletion) {
  return check_operation(deletion, std::nullopt);
}

Checked<ChatId> check_react(const v1::React& react) {
  std::optional<v1::Error> refused;
  if (react.reaction().empty() || react.reaction().size() > kReactionBytesMax) {
    refused = invalid("a reaction has between 1 and 64 bytes");
  }
  return check_operation(react, refused);
}

Checked<ChatId> check_members(const v1::ChangeMembers& change) {
  const int users = change.add_size() + change.remove_size() + change.ban_size() +
                    change.unban_size() + change.set_roles_size();
  if (users > kMembersPerChange) return invalid("at most 500 members change at a time");
  if (users == 0) return invalid("no user to change");
  const auto valid = [](const auto& ids) {
    return std::all_of(ids.begin(), ids.end(), valid_user);
  };
  if (!valid(change.add()) || !valid(change.ban())) {
    return invalid("add or ban has a number that is no user id");
  }
  for (const v1::RoleChange& role : change.set_roles()) {
    if (!valid_user(role.user_id()) || role.role() < v1::MEMBER || role.role() > v1::OWNER) {
      return invalid("set_roles has to name a user and MEMBER, ADMIN or OWNER");
    }
  }
  return check_change(change);
}

Checked<ChatId> check_update(const v1::UpdateChat& update) {
  if (update.title().size() > kTitleBytesMax) return invalid("the title has more than 256 bytes");
  if (!is_valid_time_kept(update.retention_ms())) {
    return invalid("retention_ms is 0 or 1,000 (one second) up to 100 years");
  }
  if (!update.has_title() && !update.has_retention_ms()) return invalid("nothing to change");
  return check_change(update);
}

Checked<ChatId> check_end(const v1::DeleteChat& end) { return check_change(end); }

}  // namespace chat
