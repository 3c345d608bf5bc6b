#include "core/home/chat_delay.h"

#include <algorithm>

#include "core/home/chat_answers.h"
#include "core/home/chat_op.h"
#include "core/home/replies.h"
#include "core/wire/peer.pb.h"

namespace chat {
namespace {

constexpr size_t kForwardBytes = 48 * 1024;

/// Takes those who wait for an answer out of the operation; keepers stay.
ChatOp with_clients_of(ChatOp& op) {
  ChatOp taken;
  taken.request = op.request;
  const auto keepers = std::stable_partition(op.askers.begin(), op.askers.end(),
                                             [](const Asker& asker) { return !asker.keeper; });
  taken.askers.assign(op.askers.begin(), keepers);
  op.askers.erase(op.askers.begin(), keepers);
  return taken;
}

ChatOp* find_op(Chat& chat, uint64_t number) {
  const auto same = [number](const ChatOp& op) { return op.delay_number == number; };
  const auto known = std::find_if(chat.in_flight.begin(), chat.in_flight.end(), same);
  if (known != chat.in_flight.end()) return &*known;
  const auto queued = std::find_if(chat.queue.begin(), chat.queue.end(), same);
  return queued != chat.queue.end() ? &*queued : nullptr;
}

bool is_kept_by(const ChatOp& op, const Asker& keeper) {
  return std::any_of(op.askers.begin(), op.askers.end(), [&](const Asker& asker) {
    return asker.keeper && asker.engine == keeper.engine && asker.request_id == keeper.request_id;
  });
}

}  // namespace

ChatDelay::ChatDelay(EngineContext& context, ChatTable& chats)
    : context_(context), chats_(chats), next_number_(context.first_number()) {
  chats_.set_store_watch([this](Chat& chat, ChatTable::StoreNews news) {
    switch (news) {
      case ChatTable::StoreNews::asked:
        return asked(chat);
      case ChatTable::StoreNews::answered:
        return answered(chat);
      case ChatTable::StoreNews::failed:
        return failed(chat);
    }
  });
}

// ---------------------------------------------------------------- into delay and out of it

void ChatDelay::asked(Chat& chat) {
  if (chat.store_asked_at) return;
  chat.store_asked_at = context_.now;
  if (std::exchange(chat.delay_watched, true)) return;
  context_.arm(context_.policy().delay_after, TimerKind::chat_delay, chat.number);
}

void ChatDelay::answered(Chat& chat) {
  chat.store_asked_at.reset();
  chat.delayed = false;
}

/// A chat that was never read cannot delay; those who wait for it get the usual time.
void ChatDelay::failed(Chat& chat) {
  if (chat.exists) enter_delay(chat);
}

void ChatDelay::on_timer(Chat& chat) {
  chat.delay_watched = false;
  if (!chat.store_asked_at) return;
  const Duration waited = context_.now - *chat.store_asked_at;
  const Duration limit = context_.policy().delay_after;
  if (waited >= limit) {
    enter_delay(chat);
    return;
  }
  chat.delay_watched = true;
  context_.arm(limit - waited, TimerKind::chat_delay, chat.number);
}

void ChatDelay::enter_delay(Chat& chat) {
  if (std::exchange(chat.delayed, true)) return;
  ++context_.counters.chats_delayed;
  // What is in flight may be stored all the same; there is just nobody left to tell.
  for (ChatOp& op : chat.in_flight) enter_or_refuse(chat, op);
  for (ChatOp& op : std::exchange(chat.queue, {})) {
    if (enter_or_refuse(chat, op)) chat.queue.push_back(std::move(op));
  }
  for (ChatWaiter& waiter : std::exchange(chat.waiting, {})) {
    if (waiter.refuse) {
      waiter.refuse();
    } else {
      chat.waiting.push_back(std::move(waiter));
    }
  }
}

bool ChatDelay::enter_or_refuse(Chat& chat, ChatOp& op) {
  if (op.delay != ChatOp::Delay::none) return true;
  if (!may_enter(chat, op)) {
    refuse(op);
    return false;
  }
  const uint64_t number = next_number_++;
  op.delay = ChatOp::Delay::entering;
  op.delay_number = number;
  keep(number, {.key = {context_.options.self, number},
                .chat = chat.id,
                .request = op.request,
                .bytes = op.request->ByteSizeLong(),
                .sent_to = context_.self()});
  to_enter_.push_back(number);
  return true;
}

/// Whether the sender may send is judged now: what is answered DELAYED is stored, whatever becomes
/// of the membership meanwhile.
bool ChatDelay::may_enter(const Chat& chat, const ChatOp& op) {
  const bool may_send = op.request->has_send() && chat.exists && !chat.row.ended &&
                        chat.is_active(UserId{op.request->user()}) &&
                        op.request->send().reply_to_seq() <= chat.row.last_seq;
  if (!may_send) return false;
  const EnginePolicy& policy = context_.policy();
  if (kept_.size() < policy.delayed_sends_max &&
      kept_bytes_ + op.request->ByteSizeLong() <= policy.delayed_bytes_max) {
    return true;
  }
  ++context_.counters.delays_refused;
  return false;
}

void ChatDelay::add_last(Chat& chat) {
  if (!enter_or_refuse(chat, chat.queue.back())) chat.queue.pop_back();
}

void ChatDelay::add_twin(const Chat& chat, ChatOp& twin, const ChatOp& op) {
  if (twin.content_hash != op.content_hash) {
    answer_op(context_, op, key_mismatch());
    return;
  }
  twin.askers.insert(twin.askers.end(), op.askers.begin(), op.askers.end());
  if (twin.delay == ChatOp::Delay::entered) {
    answer_delayed(chat, twin);
  } else if (chat.delayed && twin.delay == ChatOp::Delay::none) {
    refuse(twin);
  }
}

// ---------------------------------------------------------------- the log

void ChatDelay::end_turn() {
  context_.counters.delayed_now = kept_.size();
  if (!to_enter_.empty()) {
    DelayAppend append;
    for (uint64_t number : to_enter_) {
      const Kept& kept = kept_.at(number);
      append.entries.push_back({kept.key, kept.chat, kept.request->SerializeAsString()});
    }
    context_.delay(std::move(append), [this, numbers = std::exchange(to_enter_, {})](
                                          const Status& status) { entered(numbers, status); });
  }
  if (!to_remove_.empty()) {
    // What is not removed after all is found in its chat's log by its key when it is loaded again.
    context_.delay(DelayRemove{std::exchange(to_remove_, {})}, [](const Status&) {});
  }
}

void ChatDelay::entered(const std::vector<uint64_t>& numbers, const Status& status) {
  std::vector<uint64_t> moved;
  if (!status) ++context_.counters.delay_log_failures;
  for (uint64_t number : numbers) {
    const auto found = kept_.find(number);
    if (!status) {
      is_not_entered(number, found->second);
      kept_bytes_ -= found->second.bytes;
      kept_.erase(found);
      continue;
    }
    is_safe(number, found->second);
    if (kept_.contains(number) && !context_.owns(found->second.chat)) moved.push_back(number);
  }
  forward(moved);
}

void ChatDelay::is_safe(uint64_t number, Kept& kept) {
  Chat* chat = chats_.in_memory(kept.chat);
  ChatOp* op = chat ? find_op(*chat, number) : nullptr;
  if (!op) {
    forget(number);  // It has been answered otherwise meanwhile.
    return;
  }
  kept.safe = true;
  op->delay = ChatOp::Delay::entered;
  op->askers.push_back({context_.self(), number, true});
  ++context_.counters.sends_delayed;
  answer_delayed(*chat, *op);
}

void ChatDelay::is_not_entered(uint64_t number, const Kept& kept) {
  Chat* chat = chats_.in_memory(kept.chat);
  ChatOp* op = chat ? find_op(*chat, number) : nullptr;
  if (!op) return;
  const bool kept_elsewhere = std::any_of(op->askers.begin(), op->askers.end(),
                                          [](const Asker& asker) { return asker.keeper; });
  op->delay_number = 0;
  if (kept_elsewhere) {
    op->delay = ChatOp::Delay::entered;
    answer_delayed(*chat, *op);
    return;
  }
  op->delay = ChatOp::Delay::none;
  refuse(*op);
  std::erase_if(chat->queue, [op](const ChatOp& queued) { return &queued == op; });
}

void ChatDelay::on_loaded(const DelayLoaded& input) {
  for (const DelayEntry& entry : input.entries) {
    auto request = std::make_shared<peer::HomeRequest>();
    if (!request->ParseFromString(entry.request) || !request->has_send() ||
        !OpKey::from_bytes(request->send().client_msg_id())) {
      ++context_.counters.delayed_unstorable;
      continue;
    }
    keep(next_number_++, {.key = entry.key,
                          .chat = entry.chat,
                          .request = std::move(request),
                          .bytes = entry.request.size(),
                          .safe = true,
                          .sent_to = {}});
  }
}

// ---------------------------------------------------------------- between homes

void ChatDelay::forward(std::optional<EngineId> lost) {
  std::vector<uint64_t> numbers;
  for (const auto& [number, kept] : kept_) {
    if (!kept.safe) continue;
    const auto home = context_.home_of(kept.chat);
    if (home && (*home != kept.sent_to || kept.sent_to == lost)) numbers.push_back(number);
  }
  forward(numbers);
}

void ChatDelay::forward(const std::vector<uint64_t>& numbers) {
  std::map<ChatId, peer::Frame> frames;
  const auto post = [&](const ChatId& chat) {
    const auto frame = frames.extract(chat);
    context_.post(*context_.home_of(chat), std::move(frame.mapped()));
  };
  for (uint64_t number : numbers) {
    Kept& kept = kept_.at(number);
    const auto home = context_.home_of(kept.chat);
    if (!home) continue;  // The next ring forwards it.
    kept.sent_to = *home;
    if (*home != context_.self()) ++context_.counters.delayed_forwarded;
    peer::DelayForward& forwarded = *frames[kept.chat].mutable_delay_forward();
    forwarded.set_chat_id(kept.chat.str());
    peer::DelayedSend& send = *forwarded.add_sends();
    send.set_number(number);
    kept.request->SerializeToString(send.mutable_request());
    if (forwarded.ByteSizeLong() > kForwardBytes) post(kept.chat);
  }
  while (!frames.empty()) post(frames.begin()->first);
}

void ChatDelay::on_forward(EngineId from, const peer::DelayForward& frame) {
  const auto id = ChatId::from_bytes(frame.chat_id());
  if (!id) return;
  Chat& chat = chats_.get(*id);
  const auto newer = std::find_if(chat.queue.begin(), chat.queue.end(), [](const ChatOp& op) {
    return op.delay != ChatOp::Delay::entered;
  });
  auto at = static_cast<size_t>(newer - chat.queue.begin());
  for (const peer::DelayedSend& send : frame.sends()) {
    auto request = std::make_shared<peer::HomeRequest>();
    if (!request->ParseFromString(send.request()) || !request->has_send()) continue;
    ChatOp op = op_of(std::move(request), {from, send.number(), true});
    op.delay = ChatOp::Delay::entered;
    if (ChatOp* twin = chat.find_twin(op)) {
      merge(chat, *twin, op);
    } else {
      chat.queue.insert(chat.queue.begin() + static_cast<ptrdiff_t>(at++), std::move(op));
    }
  }
}

void ChatDelay::merge(Chat& chat, ChatOp& twin, const ChatOp& op) {
  if (twin.content_hash != op.content_hash) {
    answer_op(context_, op, key_mismatch());
    return;
  }
  if (!is_kept_by(twin, op.askers.front())) twin.askers.push_back(op.askers.front());
  if (twin.delay == ChatOp::Delay::none) twin.delay = ChatOp::Delay::entered;
  if (chat.delayed && twin.delay == ChatOp::Delay::entered) answer_delayed(chat, twin);
}

void ChatDelay::on_settled(const peer::DelaySettled& frame) {
  if (!kept_.contains(frame.number())) return;
  ++(frame.stored() ? context_.counters.delayed_stored : context_.counters.delayed_unstorable);
  forget(frame.number());
}

// ---------------------------------------------------------------- helpers

void ChatDelay::answer_delayed(const Chat& chat, ChatOp& op) {
  answer_op(context_, with_clients_of(op),
            send_ack(chat.id, op.request->send().client_msg_id(), 0, 0, v1::DELAYED));
}

void ChatDelay::refuse(ChatOp& op) {
  answer_op(context_, with_clients_of(op), store_unavailable());
}

void ChatDelay::keep(uint64_t number, Kept kept) {
  kept_bytes_ += kept.bytes;
  kept_.emplace(number, std::move(kept));
}

void ChatDelay::forget(uint64_t number) {
  const auto found = kept_.find(number);
  kept_bytes_ -= found->second.bytes;
  to_remove_.push_back(found->second.key);
  kept_.erase(found);
}

}  // namespace chat
