#include "core/home/chat_writer.h"

#include <algorithm>

#include "core/base/assert.h"
#include "core/home/move_notice.h"
#include "core/home/replies.h"
#include "core/wire/peer.pb.h"

namespace chat {
namespace {

constexpr size_t kFanOutsMax = 64;  // Batches of a chat without an answer; more ⇒ sends wait.
constexpr int kMemberEventUsers = 500;
constexpr Duration kRetryDelay = milliseconds(100);
constexpr size_t kMembersAnswered = 500;   // With the answer to a change.
constexpr int kMembersListedMax = 25'000;  // They have to fit into one frame between engines.
constexpr uint32_t kRefusalReads = 200;    // Events looked at before a former member is refused.

void fill_member(const MemberRow& row, v1::MemberInfo& out) {
  out.set_user_id(row.user.value);
  out.set_role(static_cast<v1::Role>(row.role));
  out.set_joined_seq(row.joined_seq);
  out.set_left_seq(row.left_seq == kStillMember ? 0 : row.left_seq);
  out.set_delivered_seq(row.delivered_seq);
  out.set_read_seq(row.read_seq);
}

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

void fill_chat_info(const Chat& chat, v1::ChatInfo& out, bool with_members) {
  v1::ChatSummary& summary = *out.mutable_chat();
  summary.set_chat_id(chat.id.str());
  summary.set_kind(static_cast<v1::ChatKind>(chat.row.kind));
  summary.set_title(chat.row.title);
  summary.set_last_seq(chat.row.last_seq);
  summary.set_member_count(chat.row.member_count);
  out.set_fanned_seq(chat.row.fanned_seq);
  if (!with_members) return;
  const bool with_former = chat.members.size() <= kMembersListedMax;
  for (const auto& [user, member] : chat.members) {
    if (member.left_seq != kStillMember && !with_former) continue;
    if (out.members_size() == kMembersListedMax) return;
    fill_member(member, *out.add_members());
  }
}

v1::Response ChatWriter::chat_info(const Chat& chat) const {
  v1::Response response;
  fill_chat_info(chat, *response.mutable_chat(), chat.members.size() <= kMembersAnswered);
  return response;
}

ChatWriter::ChatWriter(EngineContext& context, ChatTable& chats, ChatFanOut& fan_out,
                       ChatMarks& marks)
    : context_(context), chats_(chats), fan_out_(fan_out), marks_(marks) {
  const auto go_on = [this](Chat& chat) {
    arm_flush(chat);
    pump(chat);
  };
  fan_out_.set_progress(go_on);
  chats_.set_ready(go_on);
}

void ChatWriter::add(Chat& chat, ChatOp op) {
  if (op.request->has_send()) {
    const auto same = [&](const ChatOp& other) {
      return other.request->has_send() && other.request->user() == op.request->user() &&
             other.key == op.key;
    };
    auto known = std::find_if(chat.in_flight.begin(), chat.in_flight.end(), same);
    ChatOp* twin = known != chat.in_flight.end() ? &*known : nullptr;
    if (!twin) {
      auto queued = std::find_if(chat.queue.begin(), chat.queue.end(), same);
      if (queued != chat.queue.end()) twin = &*queued;
    }
    if (twin && twin->content_hash != op.content_hash) {
      answer(op, error_response(v1::IDEMPOTENCY_MISMATCH,
                                "this client_msg_id was used for another message"));
      return;
    }
    if (twin) {
      twin->askers.insert(twin->askers.end(), op.askers.begin(), op.askers.end());
      return;
    }
  }
  if (chat.queue.size() >= context_.policy().chat_queue_max) {
    answer(op, error_response(v1::UNAVAILABLE, "too many sends wait in this chat"));
    return;
  }
  chat.queue.push_back(std::move(op));
  pump(chat);
}

void ChatWriter::pump(Chat& chat) {
  while (chat.state == Chat::State::ready && !chat.appending && !chat.checking_users &&
         !chat.queue.empty() && chat.fan_outs.size() < kFanOutsMax) {
    Draft draft;
    draft.command.chat = chat.id;
    draft.command.expected_last_seq = chat.row.last_seq;
    draft.command.row = chat.row;
    bool something = false;
    if (chat.queue.front().request->has_send()) {
      something = take_sends(chat, draft);
    } else {
      if (!members_known(chat, chat.queue.front())) return;
      const ChatOp op = std::move(chat.queue.front());
      chat.queue.pop_front();
      something = op.request->has_create_chat() ? take_create(chat, draft, op)
                                                : take_change(chat, draft, op);
      if (something) chat.in_flight.push_back(op);
    }
    if (something) start_append(chat, std::move(draft));
  }
}

bool ChatWriter::take_sends(Chat& chat, Draft& draft) {
  const EnginePolicy& policy = context_.policy();
  while (!chat.queue.empty() && chat.queue.front().request->has_send() &&
         draft.events.size() < policy.append_events_max && draft.bytes < policy.page_bytes_max) {
    const UserId user{chat.queue.front().request->user()};
    if (!chat.exists && chat.id.is_direct() && !chat.peer_exists) {
      const auto [low, high] = chat.id.direct_users();
      if (user == low || user == high) {
        check_users(chat, {user == low ? high : low});
        return false;
      }
    }
    const ChatOp op = std::move(chat.queue.front());
    chat.queue.pop_front();
    if (take_send(chat, draft, op)) chat.in_flight.push_back(op);
  }
  return !draft.events.empty();
}

bool ChatWriter::take_send(Chat& chat, Draft& draft, const ChatOp& op) {
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
    refuse_sender(chat, op);
    return false;
  }
  v1::Event event;
  v1::Message& message = *event.mutable_message();
  message.set_text(send.text());
  *message.mutable_attachments() = send.attachments();
  message.set_reply_to_seq(send.reply_to_seq());
  message.set_client_time_ms(send.client_time_ms());
  add_event(chat, draft, event, op, {}, {});
  return true;
}

/// Who is no member any more may have been one when the same send came first: then it is answered
/// as the first time. Only what was stored shortly before the end of the membership is looked at.
void ChatWriter::refuse_sender(const Chat& chat, const ChatOp& op) {
  const auto denied = [] {
    return error_response(v1::PERMISSION_DENIED, "you are no member of this chat");
  };
  const MemberRow* member = chat.member(UserId{op.request->user()});
  if (!member) {
    answer(op, denied());
    return;
  }
  ReadEvents command{.chat = chat.id, .from_seq = member->joined_seq, .to_seq = member->left_seq};
  command.limit = kRefusalReads;
  command.newest_first = true;
  context_.store(command, [this, op, denied, id = chat.id](StoreResult& result) {
    const auto* read = std::get_if<EventsRead>(&result);
    if (!read) {
      answer(op, error_response(v1::UNAVAILABLE, "the chat store does not answer"));
      return;
    }
    const v1::Send& send = op.request->send();
    for (const EventRow& row : read->rows) {
      peer::StoredEvent stored;
      v1::Event event;
      if (!stored.ParseFromString(row.stored_event) || stored.author() != op.request->user() ||
          stored.client_msg_id() != send.client_msg_id() ||
          !event.ParseFromString(stored.event()) || event.message().text() != send.text()) {
        continue;
      }
      ++context_.counters.sends_duplicate;
      answer(op, send_ack(id, send.client_msg_id(), row.seq, event.server_ts_ms(), v1::DUPLICATE));
      return;
    }
    answer(op, denied());
  });
}

bool ChatWriter::members_known(Chat& chat, ChatOp& op) {
  if (op.users_checked) return true;
  std::vector<UserId> users;
  if (op.request->has_create_chat()) {
    for (uint64_t id : op.request->create_chat().member_ids()) users.push_back(UserId{id});
  } else {
    for (uint64_t id : op.request->change_members().add()) users.push_back(UserId{id});
  }
  if (users.empty()) return true;
  check_users(chat, std::move(users));
  return false;
}

void ChatWriter::check_users(Chat& chat, std::vector<UserId> users) {
  chat.checking_users = true;
  context_.check_users(std::move(users), [this, number = chat.number](const auto& missing) {
    if (Chat* found = chats_.find(number)) users_checked(*found, missing);
  });
}

void ChatWriter::users_checked(Chat& chat, const Result<std::vector<UserId>>& missing) {
  chat.checking_users = false;
  if (chat.queue.empty()) return;
  if (missing && missing->empty()) {
    if (chat.queue.front().request->has_send()) {
      chat.peer_exists = true;
    } else {
      chat.queue.front().users_checked = true;
    }
  } else {
    const ChatOp op = std::move(chat.queue.front());
    chat.queue.pop_front();
    if (missing) {
      answer(op, error_response(v1::NOT_FOUND,
                                "there is no user " + std::to_string(missing->front().value)));
    } else {
      answer(op, error_response(v1::UNAVAILABLE, missing.error().text));
    }
  }
  pump(chat);
}

bool ChatWriter::take_create(Chat& chat, Draft& draft, const ChatOp& op) {
  if (chat.exists) {
    answer(op, chat_info(chat));
    return false;
  }
  const v1::CreateChat& create = op.request->create_chat();
  std::vector<std::pair<UserId, Role>> joined;
  std::set<UserId> seen;
  const auto add_member = [&](UserId user) {
    if (!user || !seen.insert(user).second) return;
    joined.emplace_back(user, joined.empty() ? Role::owner : Role::member);
  };
  add_member(UserId{op.request->user()});
  for (uint64_t id : create.member_ids()) add_member(UserId{id});
  const EnginePolicy& policy = context_.policy();
  const size_t limit = create.kind() == v1::ROOM    ? policy.room_members_max
                       : create.kind() == v1::GROUP ? policy.group_members_max
                                                    : 2;
  if (joined.size() > limit) {
    answer(op, error_response(v1::LIMIT_REACHED, "a chat of this kind has at most " +
                                                     std::to_string(limit) + " members"));
    return false;
  }
  if (create.kind() == v1::DIRECT) {
    for (auto& member : joined) member.second = Role::member;
  }
  draft.command.row.kind = static_cast<ChatKind>(create.kind());
  draft.command.row.title = create.title();
  draft.command.row.created_ms = context_.wall.ms;
  add_member_events(chat, draft, op, joined, {});
  return true;
}

bool ChatWriter::take_change(Chat& chat, Draft& draft, const ChatOp& op) {
  const v1::ChangeMembers& change = op.request->change_members();
  const auto refuse = [&](v1::ErrorCode code, std::string text) {
    answer(op, error_response(code, std::move(text)));
    return false;
  };
  if (!chat.exists) return refuse(v1::NOT_FOUND, "there is no such chat");
  if (chat.row.kind == ChatKind::direct) {
    return refuse(v1::INVALID_ARGUMENT, "the members of a direct chat are fixed");
  }
  if (!may_change_members(chat, UserId{op.request->user()}, change)) {
    return refuse(v1::PERMISSION_DENIED, "only an admin of this chat may change its members");
  }
  std::vector<std::pair<UserId, Role>> joined;
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
  const EnginePolicy& policy = context_.policy();
  const size_t limit =
      chat.row.kind == ChatKind::room ? policy.room_members_max : policy.group_members_max;
  if (!joined.empty() && chat.row.member_count + joined.size() - left.size() > limit) {
    return refuse(v1::LIMIT_REACHED, "this chat has at most " + std::to_string(limit) + " members");
  }
  if (joined.empty() && left.empty()) {
    answer(op, chat_info(chat));
    return false;
  }
  add_member_events(chat, draft, op, joined, left);
  return true;
}

void ChatWriter::add_member_events(Chat& chat, Draft& draft, const ChatOp& op,
                                   const std::vector<std::pair<UserId, Role>>& joined,
                                   const std::vector<UserId>& left) {
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

void ChatWriter::add_event(Chat& chat, Draft& draft, v1::Event& event, const ChatOp& op,
                           const std::vector<UserId>& joined, const std::vector<UserId>& left) {
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

// ---------------------------------------------------------------- the append

void ChatWriter::start_append(Chat& chat, Draft draft) {
  auto kept = std::make_shared<Draft>(std::move(draft));
  auto taken = std::make_shared<std::vector<ChatMarks::Taken>>(marks_.take(chat));
  AppendEvents command = std::move(kept->command);
  for (const auto& mark : *taken) {
    // A change of membership in this batch carries the marks itself.
    const auto [at, is_new] = kept->members.try_emplace(mark.member.user, mark.member);
    if (!is_new) {
      at->second.delivered_seq = std::max(at->second.delivered_seq, mark.member.delivered_seq);
      at->second.read_seq = std::max(at->second.read_seq, mark.member.read_seq);
    }
  }
  for (const auto& [user, member] : kept->members) command.members.push_back(member);
  command.pending = command.row.fanned_seq < command.row.last_seq;
  kept->command.row = command.row;
  chat.appending = true;
  if (!command.events.empty()) ++context_.counters.appends;
  context_.counters.append_events += command.events.size();
  context_.store(std::move(command),
                 [this, number = chat.number, kept, taken](StoreResult& result) {
                   Chat* found = chats_.find(number);
                   if (!found) return;
                   found->appending = false;
                   const auto* append = std::get_if<AppendResult>(&result);
                   if (append && append->outcome == WriteOutcome::stored) {
                     marks_.stored(*found, *taken);
                   } else {
                     marks_.put_back(*found, *taken);
                     arm_flush(*found);
                   }
                   append_done(*found, kept, result);
                 });
}

void ChatWriter::append_done(Chat& chat, std::shared_ptr<Draft> draft, StoreResult& result) {
  const auto* append = std::get_if<AppendResult>(&result);
  const WriteOutcome outcome = append ? append->outcome : WriteOutcome::unknown;
  switch (outcome) {
    case WriteOutcome::stored:
      stored(chat, *draft);
      chats_.resume(chat);
      pump(chat);
      break;
    case WriteOutcome::duplicate:
      duplicate(chat, append->existing);
      chats_.resume(chat);
      pump(chat);
      break;
    case WriteOutcome::conflict:
      ++context_.counters.append_conflicts;
      try_again(chat, {});
      break;
    case WriteOutcome::unknown:
      ++context_.counters.append_unknown;
      try_again(chat, append ? Duration{} : kRetryDelay);
      break;
  }
}

void ChatWriter::stored(Chat& chat, Draft& draft) {
  const uint64_t fanned_now = chat.row.fanned_seq;  // May have risen since the append began.
  chat.exists = true;
  chat.stored_fanned_seq = draft.command.row.fanned_seq;
  chat.row = draft.command.row;
  chat.row.fanned_seq = fanned_now;
  for (const auto& [user, member] : draft.members) {
    MemberRow& row = chat.members[user];
    const MemberRow before = row;
    row = member;
    row.delivered_seq = std::max(member.delivered_seq, before.delivered_seq);
    row.read_seq = std::max(member.read_seq, before.read_seq);
  }
  const auto done = std::exchange(chat.in_flight, {});
  for (const ChatOp& op : done) answer_stored(chat, op, draft);
  if (!draft.events.empty()) {
    std::set<UserId> recipients;
    if (chat.row.kind != ChatKind::room) {
      for (const auto& [user, member] : chat.members) {
        if (member.left_seq == kStillMember) recipients.insert(user);
      }
      for (const SharedEvent& event : draft.events) {
        for (uint64_t user : event->left()) recipients.insert(UserId{user});
      }
    }
    fan_out_.start(chat, draft.events, recipients);
  }
  arm_flush(chat);
  if (!chat.owned) MoveNotice(context_).add(chat.id, true);
}

void ChatWriter::answer_stored(Chat& chat, const ChatOp& op, const Draft& draft) {
  if (!op.request->has_send()) {
    answer(op, chat_info(chat));
    return;
  }
  ++context_.counters.sends_stored;
  const std::string& id = op.request->send().client_msg_id();
  const auto event = std::find_if(draft.events.begin(), draft.events.end(), [&](const auto& e) {
    return e->author() == op.request->user() && e->client_msg_id() == id;
  });
  CHAT_ASSERT(event != draft.events.end());
  answer(op, send_ack(chat.id, id, (*event)->seq(), chat.row.last_ts_ms, v1::STORED));
}

void ChatWriter::duplicate(Chat& chat, const std::vector<KeyRow>& existing) {
  auto again = std::exchange(chat.in_flight, {});
  for (auto op = again.rbegin(); op != again.rend(); ++op) {
    const auto known = std::find_if(existing.begin(), existing.end(), [&](const KeyRow& row) {
      return row.user.value == op->request->user() && row.key == op->key;
    });
    if (known == existing.end()) {
      chat.queue.push_front(std::move(*op));
      continue;
    }
    ++context_.counters.sends_duplicate;
    answer(*op, known->content_hash == op->content_hash
                    ? send_ack(chat.id, op->request->send().client_msg_id(), known->seq,
                               known->server_ts_ms, v1::DUPLICATE)
                    : error_response(v1::IDEMPOTENCY_MISMATCH,
                                     "this client_msg_id was used for another message"));
  }
}

void ChatWriter::try_again(Chat& chat, Duration delay) {
  auto again = std::exchange(chat.in_flight, {});
  for (auto op = again.rbegin(); op != again.rend(); ++op) chat.queue.push_front(std::move(*op));
  chats_.reload(chat, delay);
}

void ChatWriter::answer(const ChatOp& op, const v1::Response& response) {
  if (response.has_error()) ++context_.counters.sends_refused;
  for (const Asker& asker : op.askers) {
    peer::Frame frame;
    frame.mutable_reply()->set_request_id(asker.request_id);
    *frame.mutable_reply()->mutable_response() = response;
    context_.post(asker.engine, std::move(frame));
  }
}

// ---------------------------------------------------------------- flush

void ChatWriter::arm_flush(Chat& chat) {
  const bool needed =
      chat.exists && (chat.row.fanned_seq > chat.stored_fanned_seq || !chat.dirty_marks.empty());
  if (!needed || std::exchange(chat.flush_armed, true)) return;
  context_.arm(context_.policy().mark_flush, TimerKind::chat_flush, chat.number);
}

void ChatWriter::on_flush_timer(Chat& chat) {
  chat.flush_armed = false;
  if (chat.state == Chat::State::loading || !chat.exists) return;
  if (chat.appending || !chat.queue.empty()) {
    arm_flush(chat);
    return;
  }
  if (chat.row.fanned_seq <= chat.stored_fanned_seq && chat.dirty_marks.empty()) return;
  Draft draft;
  draft.command.chat = chat.id;
  draft.command.expected_last_seq = chat.row.last_seq;
  draft.command.row = chat.row;
  start_append(chat, std::move(draft));
}

}  // namespace chat
