#include <algorithm>
#include <utility>

#include "core/wire/chat.pb.h"
#include "sim/live/clock.h"
#include "sim/live/fleet.h"
#include "sim/live/stamp.h"
#include "sim/oracle/witness.h"

namespace chat::sim {
namespace {

constexpr Duration kRetryDelay = milliseconds(250);
constexpr uint32_t kHistoryPage = 200;

}  // namespace

bool Fleet::can_ask(const LiveUser& user) const {
  return user.connection.state() == Connection::State::open &&
         user.session.state() >= ClientSession::State::syncing;
}

uint32_t* Fleet::last_seen(uint32_t user, const ChatId& chat) {
  const auto index = options_.roster.find_chat(chat);
  if (!index) return nullptr;
  const Population& population = options_.plan.population();
  const auto membership = population.membership(owner_of(user), *index);
  if (!membership) return nullptr;
  return &last_seen_[user / options_.scenario.users * population.membership_count() + *membership];
}

// ---------------------------------------------------------------- what users do

void Fleet::take_next_action(uint32_t index) {
  users_[index].next = users_[index].plan.next(options_.plan);
}

void Fleet::act(uint32_t index, const Action& action) {
  LiveUser& user = users_[index];
  if (action.kind == ActionKind::send) {
    if (!user.sends) user.sends = std::make_unique<SendDesk>();
    if (user.sends->waiting.size() >= options_.scenario.sends.queue_max || user.gone) {
      options_.oracle.not_sent();
      ++meter_->now().not_sent;
      return;
    }
    const Instant intended = run_began_ + action.at;
    const bool free = can_ask(user) && !user.sends->busy && user.sends->waiting.empty();
    user.sends->waiting.push_back({action.n, action.chat, action.size, intended});
    pump(index);
    // Only a send that nothing held up shows how punctual the generator is.
    if (free) meter_->now().lag.record((user.sends->actual - intended).ns);
    return;
  }
  if (action.kind == ActionKind::drop) {
    const Instant back_at = now_ + action.away;
    if (user.connection.state() == Connection::State::closed) {
      if (user.reconnect_at != kNever) user.reconnect_at = std::max(user.reconnect_at, back_at);
      return;
    }
    drop(index, action.clean ? CloseCode::going_away : CloseCode::abnormal, back_at);
    return;
  }
  if (!can_ask(user)) return;
  if (action.kind == ActionKind::read) read_chat(index, action.chat);
  if (action.kind == ActionKind::presence) watch_presence(index, action);
  if (action.kind == ActionKind::history) read_history(index, action);
}

// Sends what can be sent: one message at a time, and again what a lost connection left open.
void Fleet::pump(uint32_t index) {
  LiveUser& user = users_[index];
  if (!can_ask(user)) return;
  if (user.gaps) fetch_gap(index);
  if (!user.sends) return;
  SendDesk& desk = *user.sends;
  if (desk.busy) {
    if (!desk.written && (desk.retry_at == kNever || desk.retry_at <= now_)) {
      write_send(index, false);
    }
    return;
  }
  if (desk.waiting.empty()) {
    user.sends.reset();
    return;
  }
  desk.current = desk.waiting.front();
  desk.waiting.erase(desk.waiting.begin());
  desk.busy = true;
  desk.actual = monotonic_now();
  write_send(index, true);
}

OpKey Fleet::key_of(uint32_t user, uint32_t n) const {
  OpKey key;
  const uint64_t words[2] = {uint64_t{options_.roster.tag()} << 32 | user, n};
  std::copy_n(reinterpret_cast<const uint8_t*>(words), key.bytes.size(), key.bytes.begin());
  return key;
}

std::string Fleet::text_of(uint32_t user, const SendDesk& desk) const {
  return stamped_text({.run = options_.roster.tag(),
                       .sender = user,
                       .n = desk.current.n,
                       .intended = desk.current.intended,
                       .actual = desk.actual},
                      desk.current.size);
}

void Fleet::write_send(uint32_t index, bool first) {
  LiveUser& user = users_[index];
  SendDesk& desk = *user.sends;
  const Population& population = options_.plan.population();
  const ChatId& chat = options_.roster.chat_id(desk.current.chat);
  v1::Send send;
  if (population.kind(desk.current.chat) == ChatKind::direct) {
    const uint32_t peer = population.peer_in(desk.current.chat, index);
    send.set_peer_user_id(options_.roster.user_id(peer).value);
  } else {
    send.set_chat_id(chat.str());
  }
  send.set_client_msg_id(std::string(key_of(index, desk.current.n).view()));
  send.set_text(text_of(index, desk));
  if (first) {
    desk.ref = options_.oracle.sent(user.device, chat, content_hash(send));
    ++meter_->now().sent;
  } else {
    options_.oracle.sent_again(desk.ref);
  }
  desk.written = true;
  desk.retry_at = kNever;
  user.session.send(now_, std::move(send));
}

void Fleet::read_chat(uint32_t index, uint32_t chat) {
  const ChatId& id = options_.roster.chat_id(chat);
  const uint32_t* seen = last_seen(index, id);
  if (seen != nullptr && *seen > 0) users_[index].session.read(now_, id, *seen);
}

void Fleet::watch_presence(uint32_t index, const Action& action) {
  std::vector<UserId> asked;
  for (const uint32_t member : options_.plan.population().members(action.chat)) {
    if (asked.size() == action.size) break;
    if (member != index) asked.push_back(options_.roster.user_id(member));
  }
  if (!asked.empty()) users_[index].session.watch_presence(now_, asked);
}

void Fleet::read_history(uint32_t index, const Action& action) {
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

void Fleet::fetch_gap(uint32_t index) {
  LiveUser& user = users_[index];
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

void Fleet::on_welcome(uint32_t index) {
  LiveUser& user = users_[index];
  user.welcomed = true;
  user.welcomed_at = now_;
  user.give_up_at = kNever;
  if (user.in_storm) storm_->welcomed(now_ - (Instant{} + storm_->at));
  ++connected_;
  if (user.was_welcomed) ++meter_->now().reconnects;
  user.was_welcomed = true;
}

void Fleet::on_event(uint32_t index, const v1::SyncEntry& entry) {
  if (!entry.has_event()) return;
  const v1::Event& event = entry.event();
  const auto chat = ChatId::from_bytes(event.chat_id());
  if (!chat) return;
  last_delivery_ = now_;
  if (uint32_t* seen = last_seen(index, *chat)) {
    *seen = std::max(*seen, static_cast<uint32_t>(event.seq()));
  }
  if (!event.has_message()) return;
  const auto stamp = read_stamp(event.message().text());
  if (!stamp || stamp->run != options_.roster.tag()) return;
  // What a slow reader waits for is its own doing.
  if (options_.plan.population().traits(owner_of(index)).slow) return;
  const LiveUser& user = users_[index];
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
  options_.oracle.judge_latency(user.device, *chat, event.seq(), response);
}

void Fleet::on_reset(uint32_t index, const v1::SyncPage& page) {
  if (!page.chat_id().empty()) return;
  LiveUser& user = users_[index];
  for (const v1::ChatSummary& summary : page.chats()) {
    const auto chat = ChatId::from_bytes(summary.chat_id());
    uint32_t* seen = chat && summary.kind() != v1::ROOM ? last_seen(index, *chat) : nullptr;
    if (seen == nullptr || summary.last_seq() <= *seen) continue;
    if (user.has_snapshot) {
      if (!user.gaps) user.gaps = std::make_unique<GapDesk>();
      user.gaps->gaps.push_back(
          {*options_.roster.find_chat(*chat), uint64_t{*seen}, summary.last_seq()});
    }
    *seen = static_cast<uint32_t>(summary.last_seq());
  }
  user.has_snapshot = true;
}

void Fleet::on_frame(uint32_t index, const v1::ServerFrame& frame) {
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
      if (logins_ && !std::exchange(users_[index].wants_token, true)) logins_->request(index);
      break;
    default:
      break;
  }
}

void Fleet::on_send_ack(uint32_t index, const v1::SendAck& ack) {
  LiveUser& user = users_[index];
  if (!user.sends || !user.sends->busy) return;
  SendDesk& desk = *user.sends;
  if (ack.client_msg_id() != key_of(index, desk.current.n).view()) return;
  options_.oracle.acked(desk.ref, ack.status() == v1::DELAYED ? 0 : ack.seq());
  ++meter_->now().acked;
  desk.busy = false;
}

void Fleet::on_error(uint32_t index, const v1::ServerFrame& frame) {
  LiveUser& user = users_[index];
  const v1::Error& error = frame.error();
  ++meter_->now().errors;
  if (error.code() == v1::RATE_LIMITED) ++meter_->now().rate_limited;
  note("error " + v1::ErrorCode_Name(error.code()) + ": " + error.message());
  const Duration pause = std::max(milliseconds(error.retry_after_ms()), kRetryDelay);
  if (user.gaps && user.gaps->frame_id == frame.reply_to()) {
    user.gaps->frame_id = 0;
    user.gaps->retry_at = now_ + pause;
    if (!error.temporary()) user.gaps.reset();
  }
  if (!user.sends || !user.sends->busy || !user.sends->written) return;
  SendDesk& desk = *user.sends;
  if (error.client_msg_id() != key_of(index, desk.current.n).view()) return;
  options_.oracle.refused(desk.ref, error.temporary());
  desk.written = false;
  if (error.temporary()) {
    desk.retry_at = now_ + pause;
  } else {
    desk.busy = false;
  }
}

void Fleet::on_history(uint32_t index, const v1::ServerFrame& frame) {
  LiveUser& user = users_[index];
  if (!user.gaps || user.gaps->frame_id != frame.reply_to()) return;
  GapDesk& desk = *user.gaps;
  desk.frame_id = 0;
  HistoryGap& gap = desk.gaps.back();
  const v1::HistoryPage& page = frame.history_page();
  if (page.events_size() > 0) gap.after_seq = page.events(page.events_size() - 1).seq();
  if (page.complete() || gap.after_seq >= gap.up_to_seq) desk.gaps.pop_back();
  if (desk.gaps.empty()) user.gaps.reset();
}

}  // namespace chat::sim
