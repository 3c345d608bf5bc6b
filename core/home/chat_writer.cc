#include "core/home/chat_writer.h"

#include <algorithm>

#include "core/base/assert.h"
#include "core/home/chat_answers.h"
#include "core/home/chat_journal.h"
#include "core/home/chat_lifetime.h"
#include "core/home/chat_op.h"
#include "core/home/move_notice.h"
#include "core/home/operations.h"
#include "core/home/replies.h"
#include "core/store/store_rules.h"
#include "core/wire/peer.pb.h"

namespace chat {
namespace {

constexpr size_t kFanOutsMax = 64;  // Batches of a chat without an answer; more ⇒ sends wait.
constexpr Duration kRetryDelay = milliseconds(100);

}  // namespace

ChatWriter::ChatWriter(EngineContext& context, ChatTable& chats, ChatFanOut& fan_out,
                       ChatMarks& marks, ChatDelay& delay)
    : context_(context),
      chats_(chats),
      fan_out_(fan_out),
      marks_(marks),
      delay_(delay),
      drafts_(context) {
  const auto go_on = [this](Chat& chat) {
    arm_flush(chat);
    pump(chat);
  };
  fan_out_.set_progress(go_on);
  chats_.set_ready(go_on);
}

void ChatWriter::add(Chat& chat, ChatOp op) {
  if (ChatOp* twin = chat.find_twin(op)) {
    delay_.add_twin(chat, *twin, op);
    return;
  }
  // What a chat in delay takes is bounded for the whole engine.
  if (!chat.delayed && chat.queue.size() >= context_.policy().chat_queue_max) {
    answer_op(context_, op, error_response(v1::UNAVAILABLE, "too many sends wait in this chat"));
    return;
  }
  chat.queue.push_back(std::move(op));
  if (chat.delayed) delay_.add_last(chat);
  pump(chat);
}

void ChatWriter::pump(Chat& chat) {
  while (chat.state == Chat::State::ready && !chat.appending && !chat.preparing &&
         !chat.queue.empty() && chat.fan_outs.size() < kFanOutsMax) {
    add_end_if_due(chat);
    Draft draft = ChatDrafts::begin(chat);
    const bool waits = !take_queued(chat, draft);
    if (!draft.events.empty()) {
      start_append(chat, std::move(draft));
    } else if (waits) {
      return;
    }
  }
}

/// A chat whose time has come ends before anything else is written.
bool ChatWriter::add_end_if_due(Chat& chat) {
  const EndReason reason = end_due(chat.row, context_.wall, context_.policy());
  if (reason == EndReason::none) return false;
  if (chat.queue.empty() || !chat.queue.front().request->has_end_chat()) {
    chat.queue.push_front(end_operation(reason));
  }
  return true;
}

void ChatWriter::end_if_due(Chat& chat) {
  // Else whoever goes on with the queue sees to it.
  const bool idle = !chat.appending && !chat.preparing && chat.state == Chat::State::ready;
  if (idle && add_end_if_due(chat)) pump(chat);
}

/// As many sends as fit, or one other operation. False when the front has to wait for something.
bool ChatWriter::take_queued(Chat& chat, Draft& draft) {
  const EnginePolicy& policy = context_.policy();
  while (!chat.queue.empty() && draft.events.size() < policy.append_events_max &&
         draft.bytes < policy.page_bytes_max) {
    const ChatOp& front = chat.queue.front();
    const bool is_send = front.request->has_send();
    if (!is_send && !draft.events.empty()) return true;
    const auto event = ChatDrafts::event_to_read(chat, draft, front);
    if (event && !draft.events.empty()) return true;
    if (event || ChatDrafts::waits_for_fan_out(chat, front)) {
      if (event) read_target(chat, *event);
      return false;
    }
    std::vector<UserId> users = ChatDrafts::users_to_check(chat, front);
    if (!users.empty()) {
      check_users(chat, std::move(users));
      return false;
    }
    const ChatOp op = std::move(chat.queue.front());
    chat.queue.pop_front();
    const auto refused = drafts_.add(chat, draft, op);
    if (refused) {
      answer_unstored(chat, op, *refused);
    } else {
      chat.in_flight.push_back(op);
      if (!is_send) return true;
    }
  }
  return true;
}

/// Who may not do it now may have done it when the same operation came first: then it is answered
/// as the first time.
void ChatWriter::answer_unstored(const Chat& chat, const ChatOp& op, const v1::Response& response) {
  if (!op.key || !chat.exists || !response.has_error() || response.error().temporary()) {
    answer_op(context_, op, response);
    return;
  }
  const FindKey command{chat.id, UserId{op.request->user()}, *op.key};
  context_.store(command, [this, op, response, id = chat.id](StoreResult& result) {
    const auto* found = std::get_if<KeyFound>(&result);
    const Chat* known = chats_.find(id);
    if (found && known && found->row && key_counts(*found->row, known->row)) {
      answer_known(*known, op, *found->row);
    } else if (found && known) {
      answer_op(context_, op, response);
    } else if (found || op.is_promised()) {
      // The chat is being read again: then the operation is looked at anew.
      Chat& again = chats_.get(id);
      again.queue.push_front(op);
      pump(again);
    } else {
      answer_op(context_, op, store_unavailable());
    }
  });
}

void ChatWriter::answer_known(const Chat& chat, const ChatOp& op, const KeyRow& known) {
  ++context_.counters.sends_duplicate;
  ++context_.counters.keys_found_in_store;
  if (known.content_hash != op.content_hash) {
    answer_op(context_, op, key_mismatch());
  } else if (is_acknowledged(*op.request)) {
    answer_op(
        context_, op,
        send_ack(chat.id, key_bytes_of(*op.request), known.seq, known.server_ts_ms, v1::DUPLICATE));
  } else {
    answer_op(context_, op, chat_info(chat));
  }
}

void ChatWriter::read_target(Chat& chat, uint64_t seq) {
  chat.preparing = chat.queue.front().request;
  delay_.asked(chat);
  const uint64_t read_at = chat.row.last_seq;
  context_.store(ReadEvents{.chat = chat.id, .from_seq = seq, .to_seq = seq},
                 [this, number = chat.number, read_at](StoreResult& result) {
                   if (Chat* found = chats_.find(number)) target_read(*found, read_at, result);
                 });
}

void ChatWriter::target_read(Chat& chat, uint64_t read_at, const StoreResult& result) {
  const auto* read = std::get_if<EventsRead>(&result);
  if (read) {
    delay_.answered(chat);
  } else {
    delay_.failed(chat);
  }
  ChatOp* op = prepared(chat);
  if (!read) {
    chats_.reload(chat, kRetryDelay);
    return;
  }
  if (!op) {
    pump(chat);
    return;
  }
  op->read_at = read_at;
  op->target = nullptr;
  if (!read->rows.empty()) {
    auto target = std::make_shared<peer::StoredEvent>();
    CHAT_ASSERT(target->ParseFromString(read->rows.front().stored_event));
    op->target = std::move(target);
  }
  if (op->target && op->target->seq() > chat.row.last_seq && chat.state == Chat::State::ready) {
    chats_.reload(chat);  // Another home has written.
  } else {
    pump(chat);
  }
}

void ChatWriter::check_users(Chat& chat, std::vector<UserId> users) {
  chat.preparing = chat.queue.front().request;
  context_.check_users(std::move(users), [this, number = chat.number](const auto& missing) {
    if (Chat* found = chats_.find(number)) users_checked(*found, missing);
  });
}

/// The operation that was being prepared; nullptr when it is no longer the next one, for the store
/// was slow meanwhile or others came before it.
ChatOp* ChatWriter::prepared(Chat& chat) {
  const auto request = std::exchange(chat.preparing, nullptr);
  const bool is_next = !chat.queue.empty() && chat.queue.front().request == request;
  return is_next ? &chat.queue.front() : nullptr;
}

void ChatWriter::users_checked(Chat& chat, const Result<std::vector<UserId>>& missing) {
  ChatOp* next = prepared(chat);
  if (next && missing && missing->empty()) {
    if (next->request->has_send()) {
      chat.peer_exists = true;
    } else {
      next->users_checked = true;
    }
  } else if (next) {
    const ChatOp op = std::move(*next);
    chat.queue.pop_front();
    if (missing) {
      answer_op(context_, op,
                error_response(v1::NOT_FOUND,
                               "there is no user " + std::to_string(missing->front().value)));
    } else {
      answer_op(context_, op, error_response(v1::UNAVAILABLE, missing.error().text));
    }
  }
  pump(chat);
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
  kept->prune_next_ms = chat.prune_next_ms;
  settle_row(chat, command.row, context_.wall, context_.policy());
  command.pending = command.row.fanned_seq < command.row.last_seq;
  if (!taken->empty()) marks_.stamp(command.row);
  kept->command.row = command.row;
  chat.appending = true;
  delay_.asked(chat);
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
  if (outcome != WriteOutcome::unknown) delay_.answered(chat);
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
      if (!append) delay_.failed(chat);
      break;
  }
}

void ChatWriter::stored(Chat& chat, Draft& draft) {
  const uint64_t fanned_now = chat.row.fanned_seq;  // May have risen since the append began.
  chat.exists = true;
  chat.stored_fanned_seq = draft.command.row.fanned_seq;
  chat.row = draft.command.row;
  chat.row.fanned_seq = fanned_now;
  if (chat.prune_next_ms == draft.prune_next_ms) chat.prune_next_ms.reset();
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
    tell_journal(context_, chat, draft.events);
    fan_out_.start(chat, draft.events, recipients);
  }
  stored_(chat);
  arm_flush(chat);
  if (!chat.owned) MoveNotice(context_).add(chat.id, true);
}

void ChatWriter::answer_stored(Chat& chat, const ChatOp& op, const Draft& draft) {
  if (!is_acknowledged(*op.request)) {
    answer_op(context_, op, chat_info(chat));
    return;
  }
  EngineCounters& counters = context_.counters;
  ++(op.request->has_edit()             ? counters.edits
     : op.request->has_delete_message() ? counters.deletions
     : op.request->has_react()          ? counters.reactions
                                        : counters.sends_stored);
  const std::string id = key_bytes_of(*op.request);
  const auto event = std::find_if(draft.events.begin(), draft.events.end(), [&](const auto& e) {
    return e->author() == op.request->user() && e->client_msg_id() == id;
  });
  CHAT_ASSERT(event != draft.events.end());
  answer_op(context_, op, send_ack(chat.id, id, (*event)->seq(), chat.row.last_ts_ms, v1::STORED));
}

void ChatWriter::duplicate(Chat& chat, const std::vector<KeyRow>& existing) {
  auto again = std::exchange(chat.in_flight, {});
  for (auto op = again.rbegin(); op != again.rend(); ++op) {
    const auto known = std::find_if(existing.begin(), existing.end(), [&](const KeyRow& row) {
      return row.user.value == op->request->user() && row.key == op->key;
    });
    if (known == existing.end()) {
      chat.queue.push_front(std::move(*op));
    } else {
      answer_known(chat, *op, *known);
    }
  }
}

void ChatWriter::try_again(Chat& chat, Duration delay) {
  auto again = std::exchange(chat.in_flight, {});
  for (auto op = again.rbegin(); op != again.rend(); ++op) chat.queue.push_front(std::move(*op));
  chats_.reload(chat, delay);
}

// ---------------------------------------------------------------- flush

void ChatWriter::arm_flush(Chat& chat) {
  const bool needed = chat.exists && (chat.row.fanned_seq > chat.stored_fanned_seq ||
                                      !chat.dirty_marks.empty() || chat.lifetime_dirty());
  if (!needed) return;
  const EnginePolicy& policy = context_.policy();
  // Receipts are told after they are stored, so where they are told they are stored soon.
  const bool told = !chat.dirty_marks.empty() && marks_.are_told(chat.row);
  const Duration delay =
      told ? std::min(policy.receipt_join, policy.mark_flush) : policy.mark_flush;
  if (chat.flush_at <= context_.now + delay) return;
  chat.flush_at = context_.now + delay;
  context_.arm(delay, TimerKind::chat_flush, chat.number);
}

void ChatWriter::on_flush_timer(Chat& chat) {
  if (context_.now < chat.flush_at) return;  // An earlier timer has done it.
  chat.flush_at = kNever;
  if (chat.state == Chat::State::loading || !chat.exists) return;
  if (chat.appending || !chat.queue.empty()) {
    arm_flush(chat);
    return;
  }
  if (chat.row.fanned_seq <= chat.stored_fanned_seq && chat.dirty_marks.empty() &&
      !chat.lifetime_dirty()) {
    return;
  }
  start_append(chat, ChatDrafts::begin(chat));
}

}  // namespace chat
