// PresenceHub: who watches the users whose home this engine is, and what they are told.
// Session homes subscribe per user. The hub tells each the present state once it is certain, and
// then every change; what waits for the budget is told with the state of that moment. A home that
// is new for a user does not call it offline before every engine has announced its sessions, or a
// grace has passed: until then it only knows who is online, and who has said goodbye. When an
// engine has gone without a word, or this one has just begun, only the grace counts: sessions that
// ended with an engine are known to nobody, and their devices may come back. It derives nothing
// itself: the user home tells it when devices came or went. Thread rule: belongs to its engine.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <set>
#include <utility>
#include <vector>

#include "core/engine/context.h"
#include "core/home/user_table.h"
#include "core/policy/token_bucket.h"

namespace chat {

namespace peer {
class HomeRequest;
class PresenceSubscribe;
class SessionsAnnounced;
}  // namespace peer

class PresenceHub {
 public:
  PresenceHub(EngineContext& context, UserTable& users);

  void start();
  /// Devices of the user came or went.
  void changed(const User& user);
  void on_subscribe(EngineId from, const peer::PresenceSubscribe& frame);
  /// GetPresence. What is not certain is waited for a little, and then answered without a state.
  void fetch(EngineId from, const peer::HomeRequest& frame);

  /// A session home has announced all sessions of users whose home this engine is by that ring.
  void on_announced(EngineId from, const peer::SessionsAnnounced& frame);
  /// A session home was told to attach or announce a session again, later.
  void refused(EngineId session_home) { ++refusals_[session_home]; }

  void on_ring_changed();
  void on_peer_lost(EngineId peer);
  /// presence_certain, presence_fetch or presence_tell.
  void on_timer(TimerKind kind, uint64_t id);
  /// Posts what is due.
  void end_turn();

 private:
  struct Watcher {
    EngineId engine;
    uint64_t number = 0;  ///< Of its subscription; it comes back with every change.
    bool due = false;     ///< Stands in due_.
  };
  struct Subject {
    enum class Told : uint8_t { nothing, offline, online };
    Told told = Told::nothing;
    int64_t last_seen_ms = 0;
    std::vector<Watcher> watchers;
  };
  struct Fetch;

  /// Whether the user has no session when this home knows of none.
  bool is_certain(const User& user) const;
  bool was_always_home(UserId user) const;
  bool has_announced(EngineId engine) const;
  bool all_announced() const;
  void check_announced();
  void wait_for_grace() { sure_at_ = context_.now + context_.policy().presence_grace; }
  void become_certain();
  void look_at_unsure();
  void make_due(UserId user, Watcher& watcher);
  void look_up(const std::shared_ptr<Fetch>& fetch, std::vector<UserId> users, bool may_wait);
  void answer(Fetch& fetch);

  EngineContext& context_;
  UserTable& users_;
  TokenBucket budget_;
  std::map<UserId, Subject> subjects_;
  std::deque<std::pair<EngineId, UserId>> due_;
  Instant tell_after_;
  /// The ring at which everything was announced, and all since; a user whose home this engine is by
  /// all of them never had another one.
  std::vector<Ring> rings_;
  uint64_t ring_changes_ = 0;
  Instant sure_at_;  ///< Before, words of the engines that live do not make it certain.
  std::map<EngineId, uint64_t> announced_;  ///< The ring that each engine announced all for.
  std::map<EngineId, uint64_t> refusals_;   ///< Since the link with the engine began.
  std::set<UserId> unsure_;                 ///< Subjects to look at when it is certain.
  std::deque<std::shared_ptr<Fetch>> waiting_;
};

}  // namespace chat
