#include "core/home/presence_hub.h"

#include <algorithm>

#include "core/wire/peer.pb.h"

namespace chat {
namespace {

constexpr Duration kFetchWait = seconds(3);
constexpr Duration kPause = milliseconds(10);
constexpr size_t kLookedAtOnce = 500;
constexpr int kChangesPerFrame = 1'000;

TokenBucketOptions budget_of(const EnginePolicy& policy) {
  const int64_t rate = policy.presence_events_per_second;
  return {.per_second = rate, .burst = std::max<int64_t>(rate, 1)};
}

}  // namespace

struct PresenceHub::Fetch {
  EngineId from;
  uint64_t request_id = 0;
  Instant until;
  v1::Response response;
  std::vector<UserId> unsure;
  size_t left = 0;  ///< Users that are being loaded.
};

PresenceHub::PresenceHub(EngineContext& context, UserTable& users)
    : context_(context), users_(users), budget_(budget_of(context.policy())), rings_{Ring()} {}

// ---------------------------------------------------------------- watchers

void PresenceHub::on_subscribe(EngineId from, const peer::PresenceSubscribe& frame) {
  for (uint64_t id : frame.remove()) {
    const auto found = subjects_.find(UserId{id});
    if (found == subjects_.end()) continue;
    std::erase_if(found->second.watchers, [&](const Watcher& w) { return w.engine == from; });
    if (found->second.watchers.empty()) subjects_.erase(found);
  }
  for (uint64_t id : frame.add()) {
    // Kept also while this engine is not the home: the other one may have the next ring already.
    auto& watchers = subjects_[UserId{id}].watchers;
    std::erase_if(watchers, [&](const Watcher& w) { return w.engine == from; });
    watchers.push_back({.engine = from, .number = frame.number()});
    users_.when_loaded(UserId{id}, [this, from](User& user) {
      changed(user);
      const auto found = subjects_.find(user.id);
      if (found == subjects_.end() || found->second.told == Subject::Told::nothing) return;
      for (Watcher& watcher : found->second.watchers) {
        if (watcher.engine == from) make_due(user.id, watcher);
      }
    });
  }
}

void PresenceHub::changed(const User& user) {
  const auto found = subjects_.find(user.id);
  if (found == subjects_.end() || !context_.owns(user.id)) return;
  Subject& subject = found->second;
  if (!user.online() && !is_certain(user)) {
    unsure_.insert(user.id);
    return;
  }
  const auto now = user.online() ? Subject::Told::online : Subject::Told::offline;
  subject.last_seen_ms = user.online() ? context_.wall.ms : user.last_seen_ms;
  if (std::exchange(subject.told, now) == now) return;
  for (Watcher& watcher : subject.watchers) make_due(user.id, watcher);
}

void PresenceHub::make_due(UserId user, Watcher& watcher) {
  if (!std::exchange(watcher.due, true)) due_.emplace_back(watcher.engine, user);
}

void PresenceHub::end_turn() {
  if (due_.empty() || context_.now < tell_after_) return;
  std::map<EngineId, peer::Frame> frames;
  while (!due_.empty()) {
    const auto [engine, user] = due_.front();
    const auto found = subjects_.find(user);
    Watcher* watcher = nullptr;
    if (found != subjects_.end()) {
      for (Watcher& candidate : found->second.watchers) {
        if (candidate.engine == engine && candidate.due) watcher = &candidate;
      }
    }
    if (watcher && found->second.told != Subject::Told::nothing) {
      if (!budget_.take(context_.now)) break;
      peer::Frame& frame = frames[engine];
      peer::PresenceChange& change = *frame.mutable_presence_update()->add_changes();
      change.set_user(user.value);
      change.set_number(watcher->number);
      change.set_online(found->second.told == Subject::Told::online);
      change.set_last_seen_ms(found->second.last_seen_ms);
      ++context_.counters.presence_changes;
      if (frame.presence_update().changes_size() >= kChangesPerFrame) {
        context_.post(engine, std::exchange(frame, peer::Frame()));
      }
    }
    if (watcher) watcher->due = false;
    due_.pop_front();
  }
  for (auto& [engine, frame] : frames) {
    if (frame.has_presence_update()) context_.post(engine, std::move(frame));
  }
  if (due_.empty()) return;
  ++context_.counters.presence_over_budget;
  tell_after_ = context_.now + std::max(kPause, budget_.retry_after(context_.now));
  context_.arm(tell_after_ - context_.now, TimerKind::presence_tell);
}

// ---------------------------------------------------------------- what is certain

void PresenceHub::start() { wait_for_grace(); }

bool PresenceHub::is_certain(const User& user) const {
  return was_always_home(user.id) || (user.said_goodbye && all_announced());
}

bool PresenceHub::was_always_home(UserId user) const {
  return std::all_of(rings_.begin(), rings_.end(), [&](const Ring& ring) {
    return !ring.empty() && ring.owner(user).id == context_.self();
  });
}

void PresenceHub::on_announced(EngineId from, const peer::SessionsAnnounced& frame) {
  // It did not know yet that it has to announce some again: it will say so once more.
  if (frame.refusals() != refusals_[from]) return;
  announced_[from] = frame.ring();
  check_announced();
}

bool PresenceHub::has_announced(EngineId engine) const {
  const auto found = announced_.find(engine);
  return found != announced_.end() && found->second == context_.ring.digest();
}

bool PresenceHub::all_announced() const {
  const std::vector<EngineId> peers = context_.peers();
  return has_announced(context_.self()) &&
         std::all_of(peers.begin(), peers.end(),
                     [&](EngineId peer) { return has_announced(peer); });
}

void PresenceHub::check_announced() {
  if (rings_.size() > 1 && context_.now >= sure_at_ && all_announced()) become_certain();
}

void PresenceHub::become_certain() {
  rings_.assign(1, context_.ring);
  look_at_unsure();
  for (const auto& fetch : std::exchange(waiting_, {})) {
    look_up(fetch, std::exchange(fetch->unsure, {}), false);
  }
}

/// Some now and the others later: all watched users may be concerned.
void PresenceHub::look_at_unsure() {
  if (rings_.size() > 1) return;
  for (size_t i = 0; i < kLookedAtOnce && !unsure_.empty(); ++i) {
    const UserId user = *unsure_.begin();
    unsure_.erase(unsure_.begin());
    if (subjects_.contains(user) && context_.owns(user)) {
      users_.when_loaded(user, [this](User& loaded) { changed(loaded); });
    }
  }
  if (!unsure_.empty()) context_.arm(kPause, TimerKind::presence_certain);
}

void PresenceHub::on_ring_changed() {
  const std::vector<EngineId> peers = context_.peers();
  for (const EngineRef& home : rings_.back().engines()) {
    const bool lives =
        home.id == context_.self() || std::count(peers.begin(), peers.end(), home.id);
    if (!lives) wait_for_grace();
  }
  rings_.push_back(context_.ring);
  // A ring that comes back has to be announced again: sessions were elsewhere meanwhile.
  std::erase_if(announced_,
                [ring = context_.ring.digest()](const auto& said) { return said.second != ring; });
  for (auto& [user, subject] : subjects_) {
    if (!context_.owns(user)) {
      subject.told = Subject::Told::nothing;
    } else if (!was_always_home(user)) {
      unsure_.insert(user);
    }
  }
  context_.arm(context_.policy().presence_grace, TimerKind::presence_certain, ++ring_changes_);
  check_announced();
}

void PresenceHub::on_peer_lost(EngineId peer) {
  for (auto at = subjects_.begin(); at != subjects_.end();) {
    std::erase_if(at->second.watchers, [&](const Watcher& w) { return w.engine == peer; });
    at = at->second.watchers.empty() ? subjects_.erase(at) : std::next(at);
  }
  // What it had is known only where it was announced.
  if (rings_.size() > 1 && !has_announced(peer)) wait_for_grace();
  announced_.erase(peer);
  refusals_.erase(peer);
  check_announced();
}

void PresenceHub::on_timer(TimerKind kind, uint64_t id) {
  if (kind == TimerKind::presence_fetch) {
    while (!waiting_.empty() && waiting_.front()->until <= context_.now) {
      const auto fetch = waiting_.front();
      waiting_.pop_front();
      look_up(fetch, std::exchange(fetch->unsure, {}), false);
    }
  } else if (kind == TimerKind::presence_certain) {
    if (id == 0) {
      look_at_unsure();
    } else if (id == ring_changes_ && rings_.size() > 1) {
      become_certain();
    } else {
      check_announced();
    }
  }  // presence_tell only wakes end_turn().
}

// ---------------------------------------------------------------- questions

void PresenceHub::fetch(EngineId from, const peer::HomeRequest& frame) {
  auto fetch = std::make_shared<Fetch>();
  fetch->from = from;
  fetch->request_id = frame.request_id();
  fetch->response.mutable_presence();
  std::vector<UserId> users;
  for (uint64_t id : frame.get_presence().user_ids()) users.push_back(UserId{id});
  look_up(fetch, std::move(users), true);
}

void PresenceHub::look_up(const std::shared_ptr<Fetch>& fetch, std::vector<UserId> users,
                          bool may_wait) {
  fetch->left = users.size();
  for (UserId id : users) {
    users_.when_loaded(id, [this, fetch, may_wait](User& user) {
      const bool certain = user.online() || is_certain(user);
      if (!certain && may_wait) {
        fetch->unsure.push_back(user.id);
      } else {
        v1::PresenceEntry& entry = *fetch->response.mutable_presence()->add_entries();
        entry.set_user_id(user.id.value);
        if (certain) entry.set_state(user.online() ? v1::ONLINE : v1::OFFLINE);
        entry.set_last_seen_ms(user.online() ? context_.wall.ms : user.last_seen_ms);
      }
      if (--fetch->left > 0) return;
      if (fetch->unsure.empty()) {
        answer(*fetch);
        return;
      }
      fetch->until = context_.now + kFetchWait;
      waiting_.push_back(fetch);
      context_.arm(kFetchWait, TimerKind::presence_fetch);
    });
  }
}

void PresenceHub::answer(Fetch& fetch) {
  peer::Frame frame;
  frame.mutable_reply()->set_request_id(fetch.request_id);
  *frame.mutable_reply()->mutable_response() = std::move(fetch.response);
  context_.post(fetch.from, std::move(frame));
}

}  // namespace chat
