#include "core/home/chat_table.h"

#include <algorithm>

#include "core/wire/peer.pb.h"

namespace chat {
namespace {

constexpr Duration kLoadRetry = milliseconds(200);
constexpr uint32_t kLoadRetryDoublings = 4;

}  // namespace

const MemberRow* Chat::member(UserId user) const {
  const auto found = members.find(user);
  return found == members.end() ? nullptr : &found->second;
}

bool Chat::is_active(UserId user) const {
  const MemberRow* found = member(user);
  return found && found->left_seq == kStillMember;
}

ChatOp* Chat::find_twin(const ChatOp& op) {
  if (!op.key) return nullptr;
  const auto same = [&](const ChatOp& other) {
    return other.request->user() == op.request->user() && other.key == op.key;
  };
  const auto known = std::find_if(in_flight.begin(), in_flight.end(), same);
  if (known != in_flight.end()) return &*known;
  const auto queued = std::find_if(queue.begin(), queue.end(), same);
  return queued != queue.end() ? &*queued : nullptr;
}

bool Chat::lifetime_dirty() const { return exists && (prune_next_ms || prune_to > row.oldest_seq); }

bool Chat::busy() const {
  return appending || preparing || !queue.empty() || !fan_outs.empty() || !dirty_marks.empty() ||
         !receipts_due.empty() || !subscribers.empty() || state == State::loading ||
         (exists && row.fanned_seq > stored_fanned_seq) || reclaiming || lifetime_dirty() ||
         !bounding.empty();
}

bool Chat::unfinished() const {
  return state == State::loading || appending || !queue.empty() || row.fanned_seq < row.last_seq;
}

Chat* ChatTable::find(const ChatId& id) {
  const auto found = chats_.find(id);
  if (found == chats_.end() || found->second->state != Chat::State::ready) return nullptr;
  return found->second.get();
}

Chat* ChatTable::find(uint64_t number) {
  const auto found = by_number_.find(number);
  return found == by_number_.end() ? nullptr : found->second;
}

Chat* ChatTable::in_memory(const ChatId& id) {
  const auto found = chats_.find(id);
  return found == chats_.end() ? nullptr : found->second.get();
}

Chat& ChatTable::get(const ChatId& id) {
  auto& slot = chats_[id];
  if (!slot) {
    slot = std::make_unique<Chat>();
    slot->id = id;
    slot->number = next_number_++;
    slot->owned = context_.owns(id);
    by_number_.emplace(slot->number, slot.get());
    slot->index = order_.size();
    order_.push_back(slot.get());
    store_watch_(*slot, StoreNews::asked);
    load(*slot);
  }
  slot->last_used = context_.now;
  return *slot;
}

void ChatTable::when_loaded(const ChatId& id, ChatWaiter waiter) {
  Chat& chat = get(id);
  if (chat.state == Chat::State::ready) {
    waiter.then(chat);
  } else if (chat.delayed && waiter.refuse) {
    waiter.refuse();
  } else {
    chat.waiting.push_back(std::move(waiter));
  }
}

void ChatTable::reload(Chat& chat, Duration delay) {
  chat.state = Chat::State::loading;
  store_watch_(chat, StoreNews::asked);
  if (delay.ns > 0) {
    context_.arm(delay, TimerKind::chat_reload, chat.number);
  } else {
    load(chat);
  }
}

void ChatTable::on_reload_timer(uint64_t number) {
  Chat* chat = find(number);
  if (chat && chat->state == Chat::State::loading) load(*chat);
}

ChatTable::Ownership ChatTable::follow_ring(Chat& chat) {
  const bool before = std::exchange(chat.owned, context_.owns(chat.id));
  if (before == chat.owned) return Ownership::unchanged;
  return chat.owned ? Ownership::won : Ownership::lost;
}

void ChatTable::read_again(Chat& chat) {
  if (chat.appending) {
    chat.read_again = true;
  } else {
    reload(chat);
  }
}

void ChatTable::load(Chat& chat) {
  chat.read_again = false;
  const uint64_t load = ++chat.load_number;
  context_.store(LoadChat{chat.id}, [this, number = chat.number, load](StoreResult& result) {
    Chat* loading = find(number);
    if (!loading || loading->load_number != load) return;
    if (auto* rows = std::get_if<ChatLoaded>(&result)) {
      loaded(*loading, *rows);
    } else {
      const uint32_t doublings = std::min(loading->loads_failed++, kLoadRetryDoublings);
      const Duration pause{kLoadRetry.ns << doublings};
      // Not all chats at once.
      const auto jitter =
          static_cast<int64_t>(context_.random.below(static_cast<uint64_t>(pause.ns) / 4));
      context_.arm(pause + Duration{jitter}, TimerKind::chat_reload, number);
      store_watch_(*loading, StoreNews::failed);
    }
  });
}

void ChatTable::loaded(Chat& chat, ChatLoaded& result) {
  const uint64_t last_seq_before = chat.row.last_seq;
  chat.loads_failed = 0;
  chat.exists = result.row.has_value();
  chat.row = result.row.value_or(ChatRow{});
  chat.stored_fanned_seq = chat.row.fanned_seq;
  const auto before = std::exchange(chat.members, {});
  for (MemberRow& member : result.members) chat.members.emplace(member.user, std::move(member));
  chat.stored_marks.clear();
  // Marks only rise: a home that had lost the chat without knowing may have stored older ones.
  for (const auto& [user, old] : before) {
    const auto now = chat.members.find(user);
    if (now == chat.members.end()) continue;
    MemberRow& row = now->second;
    if (old.delivered_seq <= row.delivered_seq && old.read_seq <= row.read_seq) continue;
    chat.stored_marks[user] = {row.delivered_seq, row.read_seq};
    row.delivered_seq = std::max(row.delivered_seq, old.delivered_seq);
    row.read_seq = std::max(row.read_seq, old.read_seq);
    chat.dirty_marks.try_emplace(user);
  }
  chat.fan_outs.clear();
  redrive_(chat, last_seq_before);
}

void ChatTable::resume(Chat& chat) {
  if (chat.read_again) {
    reload(chat);
    return;
  }
  const uint64_t number = chat.number;
  if (std::exchange(chat.state, Chat::State::ready) == Chat::State::loading) {
    store_watch_(chat, StoreNews::answered);
    ready_(chat);
  }
  const auto waiting = std::exchange(chat.waiting, {});
  for (auto waiter = waiting.begin(); waiter != waiting.end(); ++waiter) {
    Chat* still = find(number);
    if (!still) return;
    if (still->state == Chat::State::loading) {
      // It is read once more: the others wait for that.
      still->waiting.insert(still->waiting.end(), waiter, waiting.end());
      return;
    }
    waiter->then(*still);
  }
}

void ChatTable::forget(const ChatId& id) {
  const auto found = chats_.find(id);
  if (found == chats_.end()) return;
  by_number_.erase(found->second->number);
  Chat* last = order_.back();
  last->index = found->second->index;
  order_[last->index] = last;
  order_.pop_back();
  chats_.erase(found);
}

}  // namespace chat
