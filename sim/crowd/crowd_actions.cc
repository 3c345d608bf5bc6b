#include <algorithm>
#include <utility>

#include "core/wire/chat.pb.h"
#include "sim/crowd/crowd.h"
#include "sim/crowd/stamp.h"
#include "sim/oracle/outgoing.h"
#include "sim/oracle/witness.h"

namespace chat::sim {
namespace {

constexpr Duration kRetryDelay = milliseconds(250);
constexpr uint32_t kHistoryPage = 200;
constexpr uint32_t kTakenBackOneIn = 4;  ///< Of the reactions.

}  // namespace

bool Crowd::can_ask(const CrowdUser& user) const {
  return user.link == LinkState::open && user.session.state() >= ClientSession::State::syncing;
}

uint32_t* Crowd::last_seen(uint32_t user, const ChatId& chat) {
  const auto index = options_.roster.find_chat(chat);
  if (!index) return nullptr;
  const Population& population = options_.plan.population();
  const auto membership = population.membership(owner_of(user), *index);
  if (!membership) return nullptr;
  return &last_seen_[user / options_.scenario.users * population.membership_count() + *membership];
}

// ---------------------------------------------------------------- what users do

void Crowd::take_next_action(uint32_t index) {
  users_[index].next = users_[index].plan.next(options_.plan);
}

// Everything that is due by now, in whatever state the device is.
void Crowd::take_due_actions(uint32_t index) {
  CrowdUser& user = users_[index];
  while (planned_ && user.next && run_began_ + user.next->at <= now_) {
    const Action action = *user.next;
    take_next_action(index);
    act(index, action);
  }
}

void Crowd::act(uint32_t index, const Action& action) {
  CrowdUser& user = users_[index];
  user.trace.add(action);
  switch (action.kind) {
    case ActionKind::send:
    case ActionKind::edit:
    case ActionKind::deletion:
    case ActionKind::reaction:
      return queue_operation(index, action);
    case ActionKind::drop: {
      const Instant back_at = now_ + action.away;
      if (user.link != LinkState::closed) {
        drop(index, action.clean ? CloseCode::going_away : CloseCode::abnormal, back_at);
      } else if (user.reconnect_at != kNever) {
        user.reconnect_at = std::max(user.reconnect_at, back_at);
      }
      return;
    }
    case ActionKind::leave:
      options_.members->remove(action.chat, index, now_);
      options_.members->add(action.chat, index, now_ + action.away);
      return;
    case ActionKind::read:
      if (can_ask(user)) read_chat(index, action.chat);
      return;
    case ActionKind::presence:
      if (can_ask(user)) watch_presence(index, action);
      return;
    case ActionKind::history:
      if (can_ask(user)) read_history(index, action);
      return;
  }
}

void Crowd::queue_operation(uint32_t index, const Action& action) {
  CrowdUser& user = users_[index];
  std::unique_ptr<OperationDesk>& desk = user.desk_of(action.kind);
  if (!desk) desk = std::make_unique<OperationDesk>();
  if (desk->waiting.size() >= options_.scenario.sends.queue_max || user.gone) {
    options_.oracle.not_sent();
    ++meter_->now().not_sent;
    return;
  }
  const Instant intended = run_began_ + action.at;
  const bool free = can_ask(user) && !desk->busy && desk->waiting.empty();
  desk->waiting.push_back({.action = action, .intended = intended});
  pump(index);
  // Only a send that nothing held up shows how punctual the generator is.
  if (free && action.kind == ActionKind::send) {
    meter_->now().lag.record((desk->actual - intended).ns);
  }
}

// Sends what can be sent: one message and one change at a time, and again what a lost connection
// left open.
void Crowd::pump(uint32_t index) {
  CrowdUser& user = users_[index];
  if (!can_ask(user)) return;
  if (user.gaps) fetch_gap(index);
  for (std::unique_ptr<OperationDesk>* desk : {&user.sends, &user.changes}) {
    if (!*desk) continue;
    pump_desk(index, **desk);
    if (!(*desk)->busy) desk->reset();
  }
}

void Crowd::pump_desk(uint32_t index, OperationDesk& desk) {
  if (desk.busy) {
    if (!desk.written && (desk.retry_at == kNever || desk.retry_at <= now_)) {
      write_operation(index, desk, false);
    }
    return;
  }
  while (!desk.waiting.empty() && !desk.busy) {
    desk.current = desk.waiting.front();
    desk.waiting.erase(desk.waiting.begin());
    desk.busy = find_target(index, desk.current);
  }
  if (!desk.busy) return;
  desk.actual = options_.world.now();
  write_operation(index, desk, true);
}

// Which message a change means; false when the user has none.
bool Crowd::find_target(uint32_t index, DueOperation& due) {
  Action& action = due.action;
  std::optional<KnownMessages::Message> found;
  switch (action.kind) {
    case ActionKind::edit:
      found = known_->own(index, action.pick);
      break;
    case ActionKind::deletion:
      found = known_->take_own(index, action.pick);
      break;
    case ActionKind::reaction:
      if (action.pick % kTakenBackOneIn == 0) found = known_->take_reaction(index);
      if (!found) {
        const uint32_t pick = action.pick / kTakenBackOneIn;
        const auto seq = known_->pick_shown(index, action.chat, pick);
        if (seq) found = {.chat = action.chat, .seq = *seq};
      }
      break;
    default:
      return true;
  }
  if (!found) return false;
  action.chat = found->chat;
  due.target_seq = found->seq;
  due.taken_back = found->n;
  return true;
}

OpKey Crowd::key_of(uint32_t user, uint32_t n) const {
  OpKey key;
  const uint64_t words[2] = {uint64_t{options_.roster.tag()} << 32 | user, n};
  std::copy_n(reinterpret_cast<const uint8_t*>(words), key.bytes.size(), key.bytes.begin());
  return key;
}

std::string Crowd::text_of(uint32_t user, const OperationDesk& desk) const {
  return stamped_text({.run = options_.roster.tag(),
                       .sender = user,
                       .n = desk.current.action.n,
                       .intended = desk.current.intended,
                       .actual = desk.actual},
                      desk.current.action.size);
}

// The operation of a desk, the same for every attempt.
Outgoing Crowd::outgoing(uint32_t index, const OperationDesk& desk) const {
  const Action& action = desk.current.action;
  const std::string key(key_of(index, action.n).view());
  Outgoing out;
  out.chat = options_.roster.chat_id(action.chat);
  const auto address = [&](auto& change) {
    change.set_chat_id(out.chat.str());
    change.set_target_seq(desk.current.target_seq);
    change.set_client_op_id(key);
  };
  if (action.kind == ActionKind::edit) {
    address(*out.frame.mutable_edit());
    out.frame.mutable_edit()->set_text(text_of(index, desk));
  } else if (action.kind == ActionKind::deletion) {
    address(*out.frame.mutable_delete_message());
  } else if (action.kind == ActionKind::reaction) {
    v1::React& react = *out.frame.mutable_react();
    const uint32_t taken_back = desk.current.taken_back;
    address(react);
    // Unique, so that the oracle can tell them apart.
    react.set_reaction("+1 " + std::to_string(index) + "/" +
                       std::to_string(taken_back != 0 ? taken_back : action.n));
    react.set_remove(taken_back != 0);
  } else {
    v1::Send& send = *out.frame.mutable_send();
    const Population& population = options_.plan.population();
    if (population.kind(action.chat) == ChatKind::direct) {
      const uint32_t peer = population.peer_in(action.chat, index);
      send.set_peer_user_id(options_.roster.user_id(peer).value);
    } else {
      send.set_chat_id(out.chat.str());
    }
    send.set_client_msg_id(key);
    send.set_text(text_of(index, desk));
  }
  return out;
}

void Crowd::write_operation(uint32_t index, OperationDesk& desk, bool first) {
  CrowdUser& user = users_[index];
  const Outgoing out = outgoing(index, desk);
  if (first) {
    desk.ref = options_.oracle.sent(user.device, out.chat, out.content(), out.operation());
    if (out.frame.has_send()) ++meter_->now().sent;
  } else {
    options_.oracle.sent_again(desk.ref);
  }
  desk.written = true;
  desk.retry_at = kNever;
  out.hand_to(user.session, now_);
}

void Crowd::read_chat(uint32_t index, uint32_t chat) {
  const ChatId& id = options_.roster.chat_id(chat);
  const uint32_t* seen = last_seen(index, id);
  if (seen != nullptr && *seen > 0) users_[index].session.read(now_, id, *seen);
}

void Crowd::watch_presence(uint32_t index, const Action& action) {
  std::vector<UserId> asked;
  for (const uint32_t member : options_.plan.population().members(action.chat)) {
    if (asked.size() == action.size) break;
    if (member != index) asked.push_back(options_.roster.user_id(member));
  }
  if (!asked.empty()) users_[index].session.watch_presence(now_, asked);
}

void Crowd::read_history(uint32_t index, const Action& action) {
  const ChatId& id = options_.roster.chat_id(action.chat);
  const uint32_t* seen = last_seen(index, id);
  if (seen == nullptr || *seen == 0) return;
  v1::History history;
  history.set_chat_id(id.str());
  history.set_limit(action.size);
  // Every other time from the middle of what is known.
  if (action.n % 2 == 0) history.set_before_seq(*seen / 2 + 1);
  users_[index].session.history(now_, std::move(history));
}

void Crowd::fetch_gap(uint32_t index) {
  CrowdUser& user = users_[index];
  GapDesk& desk = *user.gaps;
  if (desk.frame_id != 0 || desk.retry_at > now_) return;
  const HistoryGap& gap = desk.gaps.back();
  v1::History history;
  history.set_chat_id(options_.roster.chat_id(gap.chat).str());
  history.set_after_seq(gap.after_seq);
  history.set_forward(true);
  history.set_limit(kHistoryPage);
  desk.frame_id = user.session.history(now_, std::move(history));
}

// ---------------------------------------------------------------- what the server says

void Crowd::on_welcome(uint32_t index) {
  CrowdUser& user = users_[index];
  user.welcomed = true;
  user.welcomed_at = now_;
  user.give_up_at = kNever;
  if (user.in_storm) storm_->welcomed(now_ - (Instant{} + storm_->at));
  ++connected_;
  if (user.was_welcomed) ++meter_->now().reconnects;
  user.was_welcomed = true;
}

void Crowd::on_event(uint32_t index, const v1::SyncEntry& entry, bool pushed) {
  if (!entry.has_event()) return;
  const v1::Event& event = entry.event();
  const auto chat = ChatId::from_bytes(event.chat_id());
  if (!chat) return;
  last_delivery_ = now_;
  if (uint32_t* seen = last_seen(index, *chat)) {
    *seen = std::max(*seen, static_cast<uint32_t>(event.seq()));
    if (known_) known_->see(index, *options_.roster.find_chat(*chat), event);
  }
  if (!pushed) judge_read(index, event);
  if (event.has_message()) judge_message(index, *chat, event);
}

void Crowd::judge_message(uint32_t index, const ChatId& chat, const v1::Event& event) {
  const auto stamp = read_stamp(event.message().text());
  if (!stamp || stamp->run != options_.roster.tag()) return;
  // What a slow reader waits for is its own doing.
  if (options_.plan.population().traits(owner_of(index)).slow) return;
  const CrowdUser& user = users_[index];
  if (stamp->intended < user.welcomed_at) {
    // Nobody can catch up with what was not yet sent.
    meter_->catch_up().record((now_ - std::max(user.welcomed_at, stamp->actual)).ns);
    return;
  }
  WindowStats& stats = meter_->now();
  const Duration response = now_ - stamp->intended;
  ++stats.delivered;
  stats.response.record(response.ns);
  stats.service.record((now_ - stamp->actual).ns);
  if (response > options_.scenario.late_after) ++stats.late;
  options_.oracle.judge_latency(user.device, chat, event.seq(), response);
}

// A page that was asked for after a deletion was confirmed must not have the text any more.
void Crowd::judge_read(uint32_t index, const v1::Event& event) {
  if (!known_ || (!event.has_message() && !event.has_edited())) return;
  const auto chat = ChatId::from_bytes(event.chat_id());
  const uint64_t target = event.has_edited() ? event.edited().target_seq() : event.seq();
  if (!chat || !deletions_.confirmed_by(*chat, target, users_[index].welcomed_at)) return;
  options_.oracle.stale(options_.roster.device_id(index) + " read chat " + chat->hex() + " seq " +
                        std::to_string(event.seq()) + " after its deletion");
}

void Crowd::on_reset(uint32_t index, const v1::SyncPage& page) {
  if (!page.chat_id().empty()) {
    const auto room = ChatId::from_bytes(page.chat_id());
    const auto chat = room ? options_.roster.find_chat(*room) : std::nullopt;
    if (known_ && chat) known_->skip(index, *chat);
    return;
  }
  CrowdUser& user = users_[index];
  for (const v1::ChatSummary& summary : page.chats()) {
    const auto chat = ChatId::from_bytes(summary.chat_id());
    uint32_t* seen = chat && summary.kind() != v1::ROOM ? last_seen(index, *chat) : nullptr;
    const uint64_t last = summary.left_seq() != 0 ? summary.left_seq() : summary.last_seq();
    if (seen == nullptr || last <= *seen) continue;
    if (user.has_snapshot) {
      if (!user.gaps) user.gaps = std::make_unique<GapDesk>();
      const uint64_t joined = std::max<uint64_t>(summary.joined_seq(), 1);
      const uint64_t after = std::max<uint64_t>(*seen, joined - 1);
      user.gaps->gaps.push_back({*options_.roster.find_chat(*chat), after, last});
    }
    *seen = static_cast<uint32_t>(last);
  }
  user.has_snapshot = true;
}

void Crowd::on_frame(uint32_t index, const v1::ServerFrame& frame) {
  switch (frame.body_case()) {
    case v1::ServerFrame::kSendAck:
      on_send_ack(index, frame.send_ack());
      break;
    case v1::ServerFrame::kError:
      on_error(index, frame);
      break;
    case v1::ServerFrame::kHistoryPage:
      on_history(index, frame);
      break;
    case v1::ServerFrame::kGoAway:
      ++meter_->now().go_aways;
      break;
    case v1::ServerFrame::kTokenExpiring:
      if (logs_in_) request_token(index);
      break;
    default:
      break;
  }
}

// The desk whose current operation has this key.
OperationDesk* Crowd::desk_with(uint32_t index, std::string_view key) {
  for (OperationDesk* desk : users_[index].desks()) {
    if (desk && desk->busy && key == key_of(index, desk->current.action.n).view()) return desk;
  }
  return nullptr;
}

void Crowd::on_send_ack(uint32_t index, const v1::SendAck& ack) {
  OperationDesk* desk = desk_with(index, ack.client_msg_id());
  if (desk == nullptr) return;
  const bool delayed = ack.status() == v1::DELAYED;
  options_.oracle.acked(desk->ref, delayed ? 0 : ack.seq());
  desk->busy = false;
  const Action& action = desk->current.action;
  if (action.kind == ActionKind::send) ++meter_->now().acked;
  if (!known_) return;
  // What is delayed has no seq to name it by.
  if (action.kind == ActionKind::send && !delayed) {
    known_->stored(index, {.chat = action.chat, .seq = ack.seq()});
  } else if (action.kind == ActionKind::reaction && desk->current.taken_back == 0) {
    known_->reacted(index, {.chat = action.chat, .seq = desk->current.target_seq, .n = action.n});
  } else if (action.kind == ActionKind::deletion) {
    deletions_.confirmed(options_.roster.chat_id(action.chat), desk->current.target_seq, now_);
  }
}

void Crowd::on_error(uint32_t index, const v1::ServerFrame& frame) {
  CrowdUser& user = users_[index];
  const v1::Error& error = frame.error();
  ++meter_->now().errors;
  if (error.code() == v1::RATE_LIMITED) ++meter_->now().rate_limited;
  note("error " + v1::ErrorCode_Name(error.code()) + ": " + error.message());
  const Duration pause = std::max(milliseconds(error.retry_after_ms()), kRetryDelay);
  if (user.gaps && user.gaps->frame_id != 0 && user.gaps->frame_id == frame.reply_to()) {
    user.gaps->frame_id = 0;
    user.gaps->retry_at = now_ + pause;
    if (!error.temporary()) user.gaps->gaps.pop_back();
    if (user.gaps->gaps.empty()) user.gaps.reset();
  }
  OperationDesk* desk = desk_with(index, error.client_msg_id());
  if (desk == nullptr || !desk->written) return;
  options_.oracle.refused(desk->ref, error.temporary());
  desk->written = false;
  if (error.temporary()) {
    desk->retry_at = now_ + pause;
  } else {
    desk->busy = false;
  }
}

void Crowd::on_history(uint32_t index, const v1::ServerFrame& frame) {
  CrowdUser& user = users_[index];
  const v1::HistoryPage& page = frame.history_page();
  for (const v1::Event& event : page.events()) judge_read(index, event);
  if (!user.gaps || user.gaps->frame_id != frame.reply_to()) return;
  GapDesk& desk = *user.gaps;
  desk.frame_id = 0;
  HistoryGap& gap = desk.gaps.back();
  for (const v1::Event& event : page.events()) {
    if (known_) known_->see(index, gap.chat, event);
  }
  if (page.events_size() > 0) gap.after_seq = page.events(page.events_size() - 1).seq();
  if (page.complete() || gap.after_seq >= gap.up_to_seq) desk.gaps.pop_back();
  if (desk.gaps.empty()) user.gaps.reset();
}

}  // namespace chat::sim
