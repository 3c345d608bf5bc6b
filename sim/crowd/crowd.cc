#include "sim/crowd/crowd.h"

#include <algorithm>
#include <utility>

#include "core/wire/chat.pb.h"
#include "sim/crowd/crowd_observer.h"

namespace chat::sim {
namespace {

constexpr Duration kConnectTimeout = seconds(15);
constexpr size_t kNotesMax = 20;

}  // namespace

Crowd::Crowd(CrowdOptions options)
    : options_(std::move(options)),
      logs_in_(options_.tokens.empty()),
      last_seen_(options_.scenario.devices_per_user *
                 options_.plan.population().membership_count()),
      timers_(options_.scenario.devices()),
      random_(Random(options_.scenario.seed).fork("crowd")) {
  client_options_[0].encoding = Encoding::proto;
  client_options_[1].encoding = Encoding::json;
  const Scenario& scenario = options_.scenario;
  if (scenario.changes.any()) {
    known_ = std::make_unique<KnownMessages>(scenario.users, scenario.devices());
  }
  const Population& population = options_.plan.population();
  users_.reserve(options_.scenario.devices());
  for (uint32_t index = 0; index < options_.scenario.devices(); ++index) {
    const uint32_t owner = owner_of(index);
    const bool json = population.traits(owner).json;
    CrowdUser& user = users_.emplace_back(client_options_[json ? 1 : 0], options_.plan, owner,
                                          index / options_.scenario.users);
    user.device = options_.oracle.add_device(options_.roster.user_id(owner));
    if (!logs_in_) user.token = options_.tokens[owner];
    for (const uint32_t chat : population.chats_of(owner, ChatKind::room)) {
      const uint64_t first_seq = options_.room_first_seqs[chat];
      user.session.join_room({}, options_.roster.chat_id(chat), first_seq);
      options_.oracle.room_started(user.device, options_.roster.chat_id(chat), first_seq);
    }
  }
  options_.tokens.clear();
}

// ---------------------------------------------------------------- phases

void Crowd::begin_ramp(Instant now, Meter& meter) {
  meter_ = &meter;
  now_ = last_delivery_ = now;
  for (uint32_t index = 0; index < users_.size(); ++index) {
    users_[index].reconnect_at = now + options_.plan.population().traits(owner_of(index)).arrives;
    timers_.set(index, users_[index].reconnect_at);
  }
}

void Crowd::begin_run(Instant now) {
  now_ = std::max(now_, now);
  run_began_ = now;
  planned_ = true;
  for (uint32_t index = 0; index < users_.size(); ++index) {
    take_next_action(index);
    timers_.set(index, deadline_of(users_[index]));
  }
}

void Crowd::begin_storm(Instant now, double users_share) {
  now_ = std::max(now_, now);
  storm_.emplace();
  storm_->at = now - Instant{};
  for (const uint32_t index : drop_links(now, users_share, random_.fork("storm"))) {
    ++storm_->dropped;
    users_[index].in_storm = true;
  }
}

std::vector<uint32_t> Crowd::drop_links(Instant now, double share, Random chosen) {
  now_ = std::max(now_, now);
  std::vector<uint32_t> dropped;
  for (uint32_t index = 0; index < users_.size(); ++index) {
    CrowdUser& user = users_[index];
    if (chosen.unit() >= share || !user.welcomed) continue;
    drop(index, CloseCode::abnormal, kNever);
    timers_.set(index, deadline_of(user));
    dropped.push_back(index);
  }
  return dropped;
}

void Crowd::note_storm(uint32_t index) {
  CrowdUser& user = users_[index];
  if (!user.in_storm || !user.session.is_live() || !user.session.rooms_live()) return;
  user.in_storm = false;
  storm_->recovered_after(now_ - (Instant{} + storm_->at));
}

void Crowd::turn_away_late_comers() {
  for (uint32_t index = 0; index < users_.size(); ++index) {
    CrowdUser& user = users_[index];
    if (user.was_welcomed || user.link != LinkState::closed) continue;
    user.gone = true;
    user.reconnect_at = kNever;
    timers_.set(index, deadline_of(user));
  }
}

void Crowd::begin_quiet(Instant now) {
  now_ = std::max(now_, now);
  // What was due until now still happens, however late its timer is.
  for (uint32_t index = 0; index < users_.size(); ++index) {
    const std::optional<Action>& next = users_[index].next;
    if (!next || run_began_ + next->at > now_) continue;
    take_due_actions(index);
    settle(index);
  }
  planned_ = false;
  if (options_.members != nullptr) options_.members->hurry();
  for (uint32_t index = 0; index < users_.size(); ++index) {
    CrowdUser& user = users_[index];
    user.next.reset();
    if (user.reconnect_at != kNever) {
      const auto delay = static_cast<int64_t>(random_.below(1'000));
      user.reconnect_at = std::min(user.reconnect_at, now + milliseconds(delay));
    }
    timers_.set(index, deadline_of(user));
  }
}

void Crowd::reconnect_all(Instant now, Duration spread) {
  const auto count = static_cast<int64_t>(users_.size());
  for (uint32_t index = 0; index < users_.size(); ++index) {
    CrowdUser& user = users_[index];
    if (user.gone) continue;
    user.bounce_at = now + Duration{spread.ns / count * index};
    timers_.set(index, deadline_of(user));
  }
}

void Crowd::stop() {
  for (uint32_t index = 0; index < users_.size(); ++index) {
    CrowdUser& user = users_[index];
    for (const OperationDesk* desk : user.desks()) {
      for (size_t i = desk == nullptr ? 0 : desk->waiting.size(); i > 0; --i) {
        options_.oracle.not_sent();
        ++meter_->now().not_sent;
      }
    }
    user.sends.reset();
    user.changes.reset();
    options_.world.close(index, CloseCode::normal);
    user.link = LinkState::closed;
  }
  connected_ = 0;
  if (member_changes_waiting() > 0) {
    note("not all users are back in their groups: " + options_.members->last_error());
  }
}

std::vector<ActionTrace> Crowd::traces() const {
  std::vector<ActionTrace> traces;
  traces.reserve(users_.size());
  for (const CrowdUser& user : users_) traces.push_back(user.trace);
  return traces;
}

uint64_t Crowd::busy_users() const {
  return static_cast<uint64_t>(std::count_if(users_.begin(), users_.end(), [](const CrowdUser& u) {
    const auto desks = u.desks();
    return !u.gone && std::any_of(desks.begin(), desks.end(), [](const OperationDesk* desk) {
      return desk != nullptr && (desk->busy || !desk->waiting.empty());
    });
  }));
}

uint64_t Crowd::users_behind() const {
  return static_cast<uint64_t>(std::count_if(users_.begin(), users_.end(), [](const CrowdUser& u) {
    if (u.gone) return false;
    return !u.session.is_live() || !u.session.rooms_live() || u.gaps || u.bounce_at != kNever;
  }));
}

void Crowd::note(const std::string& text) {
  if (notes_.size() >= kNotesMax) return;
  if (std::find(notes_.begin(), notes_.end(), text) == notes_.end()) notes_.push_back(text);
}

// ---------------------------------------------------------------- timers

void Crowd::fire_timers(Instant now, int max) {
  now_ = std::max(now_, now);
  for (int fired = 0; fired < max; ++fired) {
    const auto index = timers_.pop_due(now_);
    if (!index) return;
    on_timer(*index);
    settle(*index);
  }
}

// Sends what a call has queued and arms the user's timer anew.
void Crowd::settle(uint32_t index) {
  CrowdUser& user = users_[index];
  if (user.link == LinkState::open) {
    if (user.session.should_leave()) {
      drop(index, CloseCode::drain, kNever);
    } else {
      std::string message;
      while (user.session.take_output(message)) options_.world.send(index, std::move(message));
    }
  }
  note_storm(index);
  timers_.set(index, deadline_of(user));
}

Instant Crowd::deadline_of(const CrowdUser& user) const {
  Instant at = std::min({user.reconnect_at, user.give_up_at, user.bounce_at});
  if (user.link == LinkState::open) {
    at = std::min(at, user.session.next_wake());
    for (const OperationDesk* desk : user.desks()) {
      if (desk && desk->busy && !desk->written && can_ask(user)) at = std::min(at, desk->retry_at);
    }
    if (user.gaps && user.gaps->frame_id == 0) at = std::min(at, user.gaps->retry_at);
  }
  if (planned_ && user.next) at = std::min(at, run_began_ + user.next->at);
  return at;
}

void Crowd::on_timer(uint32_t index) {
  CrowdUser& user = users_[index];
  if (user.bounce_at <= now_) {
    user.bounce_at = kNever;
    // Who is on the way already has no need to come anew.
    if (user.link == LinkState::open) {
      drop(index, CloseCode::abnormal, now_);
    } else {
      user.reconnect_at = std::min(user.reconnect_at, now_);
    }
  }
  if (user.give_up_at <= now_) {
    options_.world.close(index, CloseCode::abnormal);
    lost(now_, index, CloseCode::abnormal, "no Welcome within 15 s");
  }
  if (user.reconnect_at <= now_ && user.link == LinkState::closed) {
    open_link(index);
  }
  if (user.link == LinkState::open && user.session.next_wake() <= now_) {
    user.session.wake(now_);
  }
  take_due_actions(index);
  pump(index);
}

// ---------------------------------------------------------------- the life of a link

void Crowd::request_token(uint32_t index) {
  if (!std::exchange(users_[index].wants_token, true)) options_.world.request_token(index);
}

void Crowd::open_link(uint32_t index) {
  CrowdUser& user = users_[index];
  user.reconnect_at = kNever;
  if (user.token.empty()) {
    request_token(index);
    return;
  }
  if (Status opened = options_.world.open(index); !opened) {
    if (opened.error().code == ErrorCode::rate_limited) {
      meter_->invalidate("out of descriptors or ports: " + opened.error().text);
    }
    lost(now_, index, CloseCode::abnormal, opened.error().text);
    return;
  }
  user.link = LinkState::opening;
  user.give_up_at = now_ + kConnectTimeout;
}

void Crowd::opened(Instant now, uint32_t index) {
  now_ = std::max(now_, now);
  CrowdUser& user = users_[index];
  user.link = LinkState::open;
  std::vector<ChatId> rooms;
  for (const uint32_t chat : options_.plan.population().chats_of(owner_of(index), ChatKind::room)) {
    rooms.push_back(options_.roster.chat_id(chat));
  }
  Witness(options_.oracle, user.device).before_hello(user.session, rooms);
  user.session.connected(now_,
                         {.token = user.token, .device_id = options_.roster.device_id(index)});
}

void Crowd::received(Instant now, uint32_t index, std::string_view payload) {
  now_ = std::max(now_, now);
  CrowdUser& user = users_[index];
  Observer observer(*this, index);
  if (Status status = user.session.receive(now_, payload, observer, random_); !status) {
    note("a device could not read the server: " + status.error().text);
    ++meter_->now().errors;
    drop(index, CloseCode::abnormal, now_ + seconds(1));
    return;
  }
  pump(index);
}

void Crowd::lost(Instant now, uint32_t index, CloseCode code, const std::string& refusal) {
  now_ = std::max(now_, now);
  CrowdUser& user = users_[index];
  if (!refusal.empty()) note(refusal);
  if (code != CloseCode::abnormal && code != CloseCode::going_away) {
    note("closed by the server with code " + std::to_string(static_cast<int>(code)));
  }
  const auto delay = link_ended(index, code);
  user.gone = !delay.has_value();
  user.reconnect_at = delay ? now_ + *delay : kNever;
}

// What every end of a link means for the device, and when its session would come back.
std::optional<Duration> Crowd::link_ended(uint32_t index, CloseCode code) {
  CrowdUser& user = users_[index];
  user.link = LinkState::closed;
  if (user.welcomed) --connected_;
  user.welcomed = false;
  user.welcomed_at = user.give_up_at = kNever;
  for (OperationDesk* desk : user.desks()) {
    if (desk != nullptr) desk->written = false;
  }
  if (user.gaps) user.gaps->frame_id = 0;
  return user.session.closed(now_, code, random_);
}

// Closes a link on purpose.
void Crowd::drop(uint32_t index, CloseCode code, Instant back_at) {
  options_.world.close(index, code);
  const auto delay = link_ended(index, code);
  users_[index].reconnect_at = back_at != kNever ? back_at : now_ + delay.value_or(seconds(1));
}

void Crowd::token_came(Instant now, uint32_t index, Result<std::string> token) {
  now_ = std::max(now_, now);
  CrowdUser& user = users_[index];
  user.wants_token = false;
  if (!token) {
    note(token.error().text);
    ++meter_->now().errors;
    user.gone = token.error().code == ErrorCode::unauthenticated;
    user.reconnect_at = user.gone ? kNever : now_ + seconds(1);
  } else {
    user.token = std::move(*token);
    if (can_ask(user)) {
      user.session.refresh_token(now_, user.token);
    } else if (user.link == LinkState::closed && !user.gone) {
      user.reconnect_at = now_;
    }
  }
  settle(index);
}

}  // namespace chat::sim
