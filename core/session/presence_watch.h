// PresenceWatch: the watch lists of this engine's sessions, and what they are told of them.
// The engine subscribes once per watched user at its home, however many sessions watch; the
// subscription is made again when the home moves or its link ends. A watcher is told of changes at
// most once per presence_coalesce, the last state wins, and what cannot be told now – over the
// budget of the connection or of the engine – is told later, so that every watcher ends with the
// truth. In the modes fetch and off nobody is subscribed. Thread rule: belongs to its engine.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <vector>

#include "core/engine/context.h"
#include "core/policy/token_bucket.h"
#include "core/session/session_output.h"
#include "core/session/session_table.h"

namespace chat {

namespace peer {
class PresenceUpdate;
}
namespace v1 {
class ClientFrame;
class PresenceBatch;
}  // namespace v1

class PresenceWatch {
 public:
  PresenceWatch(EngineContext& context, SessionTable& sessions, SessionOutput& output);

  /// The mode as it holds for a session: push only for one that wants it.
  PresenceMode mode_of(const Session& session) const;

  /// A client's watch list replaces its last one. False: the mode is fetch, and the caller has to
  /// answer with the states of now; else it is answered here.
  bool watch(Session& session, const v1::ClientFrame& frame);
  /// The session is gone.
  void leave(const Session& session);

  void on_update(const peer::PresenceUpdate& frame);
  /// Subscribes again where the home is `lost` or another one than before.
  void on_homes_changed(std::optional<EngineId> lost);
  void on_limits_changed();
  void on_watcher_timer(ConnId conn);
  void on_work_timer();
  /// Queues what is due for sessions.
  void end_turn();

 private:
  enum class State : uint8_t { unknown, offline, online };

  /// A user on a watch list, and what the session was told of it.
  struct Entry {
    UserId user;
    State told = State::unknown;
    bool changed = false;  ///< Something may have to be told.
  };
  struct Watcher {
    PresenceMode mode = PresenceMode::push;  ///< As it was told.
    std::vector<Entry> list;                 ///< Ascending users.
    std::optional<uint32_t> reply_to;        ///< A batch with all states is due.
    size_t unknown = 0;                      ///< Users that it waits for.
    Instant answer_by;
    Instant next_push;
    bool ready = false;  ///< Stands in ready_.
    bool armed = false;  ///< A timer for next_push is armed.
    bool switching = false;
  };
  /// A user that sessions of this engine watch.
  struct Subject {
    EngineId home;        ///< Where the engine is subscribed.
    uint64_t number = 0;  ///< Of the subscription: updates carry it.
    State state = State::unknown;
    int64_t last_seen_ms = 0;
    bool moving = false;       ///< Waits to be subscribed again.
    std::set<uint32_t> slots;  ///< Of its watchers.
  };

  void replace(Session& session, Watcher& watcher, std::vector<UserId> users);
  void follow(uint32_t slot, const std::vector<UserId>& users);
  void unfollow(uint32_t slot, const std::vector<UserId>& users);
  void subscribe(const std::vector<UserId>& users);
  void ask_for_all(Session& session, Watcher& watcher, uint32_t reply_to);
  void answer(Session& session, Watcher& watcher);
  void answer_empty(Session& session, uint32_t reply_to, PresenceMode mode);
  void changed(uint32_t slot, UserId user, bool was_unknown);
  void make_due(Session& session, Watcher& watcher);
  /// False when the budget of the engine is used up.
  bool push(Session& session, Watcher& watcher);
  void change_mode(Session& session, Watcher& watcher);
  void arm(Session& session, Watcher& watcher);
  void work_later();
  Watcher* find(uint32_t slot);
  static Entry* find(Watcher& watcher, UserId user);
  static std::vector<UserId> users_of(const Watcher& watcher);

  EngineContext& context_;
  SessionTable& sessions_;
  SessionOutput& output_;
  TokenBucket budget_;
  std::map<uint32_t, Watcher> watchers_;  ///< By slot.
  std::map<UserId, Subject> subjects_;
  std::deque<uint32_t> ready_;      ///< Watchers that have to be told something, in this order.
  std::deque<UserId> moving_;       ///< Subjects to subscribe again.
  std::deque<uint32_t> switching_;  ///< Watchers that have to be told another mode.
  uint64_t next_subscription_;
  Instant push_after_;  ///< The budget has room again.
  bool work_armed_ = false;
};

}  // namespace chat
