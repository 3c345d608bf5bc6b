#include "core/session/presence_watch.h"

#include <algorithm>
#include <memory>

#include "core/home/replies.h"
#include "core/wire/peer.pb.h"

namespace chat {
namespace {

constexpr int kUsersMax = 500;
constexpr Duration kAnswerWait = seconds(3);  ///< What is not known by then is told later.
constexpr Duration kWorkPause = milliseconds(10);
constexpr size_t kMovedAtOnce = 2'000;
constexpr size_t kSwitchedAtOnce = 200;

TokenBucketOptions budget_of(const EnginePolicy& policy) {
  const int64_t rate = policy.presence_events_per_second;
  return {.per_second = rate, .burst = std::max<int64_t>(rate, kUsersMax)};
}

v1::PresenceMode wire_mode(PresenceMode mode) { return static_cast<v1::PresenceMode>(mode); }

}  // namespace

PresenceWatch::PresenceWatch(EngineContext& context, SessionTable& sessions, SessionOutput& output)
    : context_(context),
      sessions_(sessions),
      output_(output),
      budget_(budget_of(context.policy())),
      next_subscription_(context.first_number()) {}

PresenceMode PresenceWatch::mode_of(const Session& session) const {
  const PresenceMode mode = context_.limits().presence_mode;
  return mode == PresenceMode::push && !session.want_presence ? PresenceMode::fetch : mode;
}

// ---------------------------------------------------------------- watch lists

bool PresenceWatch::watch(Session& session, const v1::ClientFrame& frame) {
  ++context_.counters.presence_watches;
  const auto& ids = frame.presence_watch().user_ids();
  const auto valid = [](uint64_t id) { return id != 0 && id <= kUserIdMax; };
  if (ids.size() > kUsersMax || !std::all_of(ids.begin(), ids.end(), valid)) {
    output_.error(session, frame.id(),
                  wire_error(v1::INVALID_ARGUMENT, "at most 500 users are watched, by their ids"));
    return true;
  }
  std::vector<UserId> users;
  for (uint64_t id : ids) users.push_back(UserId{id});
  std::sort(users.begin(), users.end());
  users.erase(std::unique(users.begin(), users.end()), users.end());

  const PresenceMode mode = mode_of(session);
  const bool none = users.empty();
  if (Watcher* before = find(session.slot); before && before->reply_to) answer(session, *before);
  if (session.closing) return true;  // It reads too slowly.
  if (none) {
    leave(session);
  } else {
    const auto [at, is_new] = watchers_.try_emplace(session.slot);
    if (is_new) at->second.mode = mode;
    replace(session, at->second, std::move(users));
  }
  if (none || mode == PresenceMode::off) {
    answer_empty(session, frame.id(), mode);
  } else if (mode == PresenceMode::push) {
    ask_for_all(session, watchers_.at(session.slot), frame.id());
  }
  return none || mode != PresenceMode::fetch;
}

/// Users on both lists stay subscribed.
void PresenceWatch::replace(Session& session, Watcher& watcher, std::vector<UserId> users) {
  const std::vector<UserId> before = users_of(watcher);
  const bool subscribed = watcher.mode == PresenceMode::push;
  const PresenceMode mode = mode_of(session);
  watcher.mode = mode;
  watcher.list.clear();
  for (UserId user : users) watcher.list.push_back({.user = user});
  std::vector<UserId> added, removed;
  std::set_difference(users.begin(), users.end(), before.begin(), before.end(),
                      std::back_inserter(added));
  std::set_difference(before.begin(), before.end(), users.begin(), users.end(),
                      std::back_inserter(removed));
  const bool subscribes = mode == PresenceMode::push;
  if (subscribed) unfollow(session.slot, subscribes ? removed : before);
  if (subscribes) follow(session.slot, subscribed ? added : users);
}

void PresenceWatch::leave(const Session& session) {
  const auto found = watchers_.find(session.slot);
  if (found == watchers_.end()) return;
  const std::vector<UserId> users = users_of(found->second);
  const bool subscribed = found->second.mode == PresenceMode::push;
  watchers_.erase(found);
  if (subscribed) unfollow(session.slot, users);
}

void PresenceWatch::follow(uint32_t slot, const std::vector<UserId>& users) {
  std::vector<UserId> fresh;
  for (UserId user : users) {
    const auto [at, is_new] = subjects_.try_emplace(user);
    at->second.slots.insert(slot);
    if (is_new) fresh.push_back(user);
  }
  subscribe(fresh);
}

void PresenceWatch::unfollow(uint32_t slot, const std::vector<UserId>& users) {
  std::map<EngineId, peer::Frame> by_home;
  for (UserId user : users) {
    const auto found = subjects_.find(user);
    if (found == subjects_.end()) continue;
    found->second.slots.erase(slot);
    if (!found->second.slots.empty()) continue;
    if (found->second.home) {
      by_home[found->second.home].mutable_presence_subscribe()->add_remove(user.value);
    }
    subjects_.erase(found);
  }
  for (auto& [home, frame] : by_home) context_.post(home, std::move(frame));
}

/// At the present homes; a former one is told to forget it.
void PresenceWatch::subscribe(const std::vector<UserId>& users) {
  std::map<EngineId, peer::Frame> by_home;
  const uint64_t number = next_subscription_++;
  for (UserId user : users) {
    Subject& subject = subjects_.at(user);
    const EngineId home = context_.home_of(user).value_or(EngineId{});
    if (subject.home && subject.home != home) {
      by_home[subject.home].mutable_presence_subscribe()->add_remove(user.value);
    }
    subject.home = home;
    subject.number = number;
    if (!home) continue;  // The next ring subscribes it.
    peer::PresenceSubscribe& frame = *by_home[home].mutable_presence_subscribe();
    frame.set_number(number);
    frame.add_add(user.value);
    ++context_.counters.presence_subscriptions;
  }
  for (auto& [home, frame] : by_home) context_.post(home, std::move(frame));
}

// ---------------------------------------------------------------- answers

void PresenceWatch::ask_for_all(Session& session, Watcher& watcher, uint32_t reply_to) {
  watcher.reply_to = reply_to;
  watcher.unknown = 0;
  for (Entry& entry : watcher.list) {
    entry = {.user = entry.user};
    watcher.unknown += subjects_.at(entry.user).state == State::unknown;
  }
  if (watcher.unknown == 0) {
    answer(session, watcher);
    return;
  }
  watcher.answer_by = context_.now + kAnswerWait;
  context_.arm(kAnswerWait, TimerKind::presence_watcher, session.conn.value);
}

/// With what is known; the rest is told when it is.
void PresenceWatch::answer(Session& session, Watcher& watcher) {
  v1::ServerFrame frame;
  frame.set_reply_to(*std::exchange(watcher.reply_to, std::nullopt));
  v1::PresenceBatch& batch = *frame.mutable_presence();
  batch.set_mode(wire_mode(watcher.mode));
  for (Entry& entry : watcher.list) {
    const auto found = subjects_.find(entry.user);
    if (found == subjects_.end() || found->second.state == State::unknown) continue;
    entry.told = found->second.state;
    entry.changed = false;
    v1::PresenceEntry& out = *batch.add_entries();
    out.set_user_id(entry.user.value);
    out.set_state(entry.told == State::online ? v1::ONLINE : v1::OFFLINE);
    out.set_last_seen_ms(found->second.last_seen_ms);
  }
  watcher.next_push = context_.now + context_.policy().presence_coalesce;
  output_.push(session, frame, SendLane::control);
}

void PresenceWatch::answer_empty(Session& session, uint32_t reply_to, PresenceMode mode) {
  v1::ServerFrame frame;
  frame.set_reply_to(reply_to);
  frame.mutable_presence()->set_mode(wire_mode(mode));
  output_.push(session, frame, SendLane::control);
}

// ---------------------------------------------------------------- changes

void PresenceWatch::on_update(const peer::PresenceUpdate& frame) {
  for (const peer::PresenceChange& change : frame.changes()) {
    const auto found = subjects_.find(UserId{change.user()});
    // A former home's late word, or of a subscription that was given up meanwhile.
    if (found == subjects_.end() || found->second.number != change.number()) continue;
    Subject& subject = found->second;
    const bool was_unknown = subject.state == State::unknown;
    subject.state = change.online() ? State::online : State::offline;
    subject.last_seen_ms = change.last_seen_ms();
    // A copy: a session that is closed for what it is told leaves.
    const std::vector<uint32_t> slots(subject.slots.begin(), subject.slots.end());
    for (uint32_t slot : slots) changed(slot, UserId{change.user()}, was_unknown);
  }
}

void PresenceWatch::changed(uint32_t slot, UserId user, bool was_unknown) {
  Watcher* watcher = find(slot);
  Entry* entry = watcher ? find(*watcher, user) : nullptr;
  if (!entry) return;
  Session& session = *sessions_.at(slot);
  entry->changed = true;
  if (watcher->reply_to) {
    if (was_unknown && --watcher->unknown == 0) answer(session, *watcher);
    return;
  }
  make_due(session, *watcher);
}

/// Now, or when the time since the last batch is over.
void PresenceWatch::make_due(Session& session, Watcher& watcher) {
  if (watcher.ready || watcher.armed) return;
  if (watcher.next_push <= context_.now) {
    watcher.ready = true;
    ready_.push_back(session.slot);
  } else {
    arm(session, watcher);
  }
}

void PresenceWatch::arm(Session& session, Watcher& watcher) {
  watcher.armed = true;
  context_.arm(watcher.next_push - context_.now, TimerKind::presence_watcher, session.conn.value);
}

void PresenceWatch::on_watcher_timer(ConnId conn) {
  Session* session = sessions_.find(conn);
  Watcher* watcher = session ? find(session->slot) : nullptr;
  if (!watcher) return;
  if (watcher->reply_to && watcher->answer_by <= context_.now) {
    answer(*session, *watcher);
    watcher = find(session->slot);
  }
  if (!watcher || !watcher->armed) return;
  if (watcher->next_push > context_.now) {  // A batch went out since it was armed.
    arm(*session, *watcher);
    return;
  }
  watcher->armed = false;
  make_due(*session, *watcher);
}

void PresenceWatch::end_turn() {
  if (context_.now < push_after_) return;
  while (!ready_.empty()) {
    Watcher* watcher = find(ready_.front());
    if (watcher && watcher->ready) {
      if (!push(*sessions_.at(ready_.front()), *watcher)) return;
    }
    ready_.pop_front();
  }
}

bool PresenceWatch::push(Session& session, Watcher& watcher) {
  v1::ServerFrame frame;
  v1::PresenceBatch& batch = *frame.mutable_presence();
  batch.set_mode(wire_mode(watcher.mode));
  std::vector<std::pair<Entry*, State>> news;
  for (Entry& entry : watcher.list) {
    if (!entry.changed) continue;
    const Subject& subject = subjects_.at(entry.user);
    if (entry.told == subject.state) {  // On, off and on again between two batches.
      entry.changed = false;
      ++context_.counters.presence_coalesced;
      continue;
    }
    news.emplace_back(&entry, subject.state);
    v1::PresenceEntry& out = *batch.add_entries();
    out.set_user_id(entry.user.value);
    out.set_state(subject.state == State::online ? v1::ONLINE : v1::OFFLINE);
    out.set_last_seen_ms(subject.last_seen_ms);
  }
  const auto count = static_cast<int64_t>(news.size());
  if (count > 0 && !budget_.take(context_.now, count)) {
    ++context_.counters.presence_over_budget;
    const Duration pause = std::max(kWorkPause, budget_.retry_after(context_.now, count));
    push_after_ = context_.now + pause;
    context_.arm(pause, TimerKind::presence_tell);
    return false;
  }
  watcher.ready = false;
  if (count == 0) return true;
  watcher.next_push = context_.now + context_.policy().presence_coalesce;
  if (!output_.push(session, frame, SendLane::ephemeral)) {
    if (!session.closing) make_due(session, watcher);  // What holds when there is room is told.
    return true;
  }
  context_.counters.presence_pushed += static_cast<uint64_t>(count);
  for (const auto& [entry, state] : news) {
    entry->told = state;
    entry->changed = false;
  }
  return true;
}

// ---------------------------------------------------------------- homes and modes that change

void PresenceWatch::on_homes_changed(std::optional<EngineId> lost) {
  for (auto& [user, subject] : subjects_) {
    const EngineId home = context_.home_of(user).value_or(EngineId{});
    if ((home == subject.home && home != lost) || std::exchange(subject.moving, true)) continue;
    moving_.push_back(user);
  }
  if (!moving_.empty()) work_later();
}

void PresenceWatch::on_limits_changed() {
  for (auto& [slot, watcher] : watchers_) {
    if (watcher.mode == mode_of(*sessions_.at(slot))) continue;
    if (!std::exchange(watcher.switching, true)) switching_.push_back(slot);
  }
  if (!switching_.empty()) work_later();
}

void PresenceWatch::change_mode(Session& session, Watcher& watcher) {
  watcher.switching = false;
  const PresenceMode mode = mode_of(session);
  if (watcher.mode == mode) return;
  ++context_.counters.presence_mode_changes;
  if (watcher.reply_to) answer(session, watcher);
  if (session.closing) return;
  const std::vector<UserId> users = users_of(watcher);
  if (watcher.mode == PresenceMode::push) unfollow(session.slot, users);
  watcher.mode = mode;
  // A change that waits to be told is void: its user is followed no longer.
  watcher.ready = false;
  for (Entry& entry : watcher.list) entry = {.user = entry.user};
  if (mode != PresenceMode::push) {
    answer_empty(session, 0, mode);
    return;
  }
  follow(session.slot, users);
  ask_for_all(session, watcher, 0);
}

/// Some now and the others later: everybody may be concerned.
void PresenceWatch::on_work_timer() {
  work_armed_ = false;
  std::vector<UserId> users;
  while (!moving_.empty() && users.size() < kMovedAtOnce) {
    const auto found = subjects_.find(moving_.front());
    moving_.pop_front();
    if (found == subjects_.end() || !std::exchange(found->second.moving, false)) continue;
    users.push_back(found->first);
  }
  if (!users.empty()) subscribe(users);
  for (size_t i = 0; i < kSwitchedAtOnce && !switching_.empty(); ++i) {
    const uint32_t slot = switching_.front();
    switching_.pop_front();
    Watcher* watcher = find(slot);
    if (watcher && watcher->switching) change_mode(*sessions_.at(slot), *watcher);
  }
  if (!moving_.empty() || !switching_.empty()) work_later();
}

void PresenceWatch::work_later() {
  if (!std::exchange(work_armed_, true)) context_.arm(kWorkPause, TimerKind::presence_work);
}

// ---------------------------------------------------------------- tables

PresenceWatch::Watcher* PresenceWatch::find(uint32_t slot) {
  const auto found = watchers_.find(slot);
  return found == watchers_.end() ? nullptr : &found->second;
}

PresenceWatch::Entry* PresenceWatch::find(Watcher& watcher, UserId user) {
  const auto found =
      std::lower_bound(watcher.list.begin(), watcher.list.end(), user,
                       [](const Entry& entry, UserId wanted) { return entry.user < wanted; });
  return found != watcher.list.end() && found->user == user ? &*found : nullptr;
}

std::vector<UserId> PresenceWatch::users_of(const Watcher& watcher) {
  std::vector<UserId> users;
  for (const Entry& entry : watcher.list) users.push_back(entry.user);
  return users;
}

}  // namespace chat
