// RarePaths: how often a run went where a run seldom goes. A test that never comes to a fail-over
// proves nothing about it; so the paths that matter have names, every seed counts them, and a long
// run fails when one of them was hardly taken. Thread rule: plain values.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "core/engine/engine.h"

namespace chat::sim {

enum class RarePath : uint8_t {
  append_conflict,  ///< Another home had written to the chat.
  append_unknown,   ///< The store did not say whether it had written to the chat.
  inbox_conflict,   ///< The same for an inbox.
  inbox_unknown,
  redrive,            ///< A fan-out was done again, after a crash or a move.
  home_move,          ///< A chat or a user got another home.
  key_after_restart,  ///< A repeated operation that only the store remembered.
  device_replaced,    ///< A device attached again before its old session was seen to end.
  reset,              ///< A device got a snapshot, for its cursor was too old.
  lagged,             ///< A device was told to sync, for it read too slowly.
  slow_reader_close,
  heartbeat_timeout,      ///< A connection ended by silence.
  room_resync,            ///< The stream of a room ended at an engine, with its home.
  send_delayed,           ///< A send was answered DELAYED.
  delay_forwarded,        ///< A delayed send went to another home of its chat.
  delay_refused,          ///< A DelayLog failed.
  mismatched_key,         ///< A key was used again for another message.
  token_refreshed,        ///< On a live connection.
  token_expired_sending,  ///< A token ended with sends under way.
  revoked,                ///< A log-in ended, and its connection with it.
  go_away,                ///< A server sent its clients away.
  tombstone,              ///< A device that was away got a tombstone for what it never saw.
  rate_limited,           ///< A send was refused because its user was too fast.
  presence_mode,          ///< An engine was told another mode of presence.
  chat_ended,             ///< A temporary chat was over.
  told_pruned,            ///< A device was told of an event that it is too old.
  range_pruned,           ///< A range of History began before what the chat keeps.
};
inline constexpr size_t kRarePaths = static_cast<size_t>(RarePath::range_pruned) + 1;

const char* name_of(RarePath path);

class RarePathCounts {
 public:
  void add(RarePath path, uint64_t times = 1) { counts_[static_cast<size_t>(path)] += times; }
  void add(const RarePathCounts& other);
  uint64_t of(RarePath path) const { return counts_[static_cast<size_t>(path)]; }

 private:
  std::array<uint64_t, kRarePaths> counts_{};
};

/// What engines say of themselves. The other paths are seen by devices.
RarePathCounts counted_by(std::span<const EngineCounters> engines);

}  // namespace chat::sim
