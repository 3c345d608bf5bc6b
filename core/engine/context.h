// EngineContext: what the parts of one engine share – the turn's time, options, ring, timers,
// counters – and the ways out: outputs, store commands with their continuations, and frames to
// other engines. It decides nothing. Continuations run inside a later handle(); they must look up
// by id whatever they need, for it may be gone by then. Thread rule: belongs to its engine.
#pragma once

#include <deque>
#include <functional>
#include <optional>
#include <unordered_map>
#include <utility>
#include <vector>

#include "core/base/ids.h"
#include "core/base/random.h"
#include "core/base/time.h"
#include "core/engine/engine.h"
#include "core/engine/io.h"
#include "core/engine/timer_queue.h"
#include "core/ring/ring.h"

namespace chat {

namespace peer {
class Frame;
}

/// Whom a timer is for. TimerEvent::kind holds one of these, id and extra are the owner's.
enum class TimerKind : uint8_t {
  hello_timeout,      ///< id: connection
  stall_check,        ///< id: connection
  presence_sweep,     ///< sessions whose heartbeat is overdue
  request_sweep,      ///< requests without an answer
  announce_sessions,  ///< The next of those whose home changed
  token_sweep,        ///< sessions whose token ends
  drain,              ///< The next who are told to go, or have not gone
  receipt_catch_up,   ///< The next sessions that missed receipts
  presence_watcher,   ///< id: connection
  presence_work,      ///< Subscriptions and modes that changed, the next ones
  presence_certain,   ///< id: number of a ring change, 0 = the next ones
  presence_fetch,     ///< Questions that waited for certainty
  presence_tell,      ///< Changes that waited for the budget
  device_grace,       ///< id: user, extra: session id
  user_sweep,         ///< last seen, eviction
  user_reload,        ///< id: user
  chat_flush,         ///< id: the chat's number
  chat_receipts,      ///< id: the chat's number
  chat_reload,        ///< id: the chat's number
  chat_sweep,         ///< eviction
  chat_delay,         ///< id: the chat's number
  chat_agenda,        ///< what is due in chats
};

class EngineContext {
 public:
  using StoreContinuation = std::function<void(StoreResult&)>;
  using DelayContinuation = std::function<void(const Status&)>;
  using UsersContinuation = std::function<void(const Result<std::vector<UserId>>&)>;
  using PostFunction = std::function<void(EngineId, peer::Frame&&)>;

  explicit EngineContext(EngineOptions engine_options);

  const EngineOptions options;
  Instant now;
  WallTime wall;
  Random random;
  Ring ring;
  TimerQueue timers;
  EngineCounters counters;

  const EnginePolicy& policy() const { return options.policy; }
  /// Those of now; the policy has those of the start.
  const RuntimeLimits& limits() const { return limits_; }
  void set_limits(const RuntimeLimits& limits);
  EngineId self() const { return options.self.id; }

  void emit(Output output) { outputs_.push_back(std::move(output)); }
  bool take_output(Output& output);

  /// Emits the command; `done` runs with its result, at most once.
  void store(StoreCommand command, StoreContinuation done);
  void store_done(StoreDone& input);

  /// Emits a command for the DelayLog; `done` runs with its result.
  void delay(DelayCommand command, DelayContinuation done);
  void delay_done(const DelayDone& input);

  /// Asks which of the users do not exist.
  void check_users(std::vector<UserId> users, UsersContinuation done);
  void account_done(const AccountDone& input);

  /// Where this life's numbers begin that come back in the answers of other engines: an answer to
  /// an earlier life must fit nothing of this one. An incarnation is a time in µs, or counts.
  uint64_t first_number() const { return (options.self.incarnation.value << 12) + 1; }

  /// Hands a frame to an engine, this one included; it arrives after the current frame is handled.
  void post(EngineId to, peer::Frame&& frame);
  void set_post(PostFunction post) { post_ = std::move(post); }
  /// The other engines that live, as far as this one was told.
  std::vector<EngineId> peers() const { return peers_(); }
  void set_peers(std::function<std::vector<EngineId>()> peers) { peers_ = std::move(peers); }

  void arm(Duration delay, TimerKind kind, uint64_t id = 0, uint64_t extra = 0) {
    timers.arm(round_up_to_timer_tick(now + delay), {static_cast<uint8_t>(kind), id, extra});
  }

  /// The engine that is the home of a user or chat; nullopt while the ring is empty.
  template <class Key>
  std::optional<EngineId> home_of(const Key& key) const {
    if (ring.empty()) return std::nullopt;
    return ring.owner(key).id;
  }
  template <class Key>
  bool owns(const Key& key) const {
    return options.home_role && home_of(key) == self();
  }

 private:
  std::deque<Output> outputs_;
  std::unordered_map<uint64_t, StoreContinuation> store_waiting_;
  std::unordered_map<uint64_t, DelayContinuation> delay_waiting_;
  std::unordered_map<uint64_t, UsersContinuation> users_waiting_;
  uint64_t next_token_ = 1;
  RuntimeLimits limits_;
  PostFunction post_;
  std::function<std::vector<EngineId>()> peers_;
};

}  // namespace chat
