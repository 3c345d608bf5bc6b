// FleetShard: one simulated engine and the devices of the users whose home it is, in virtual time.
// It runs tick by tick: sessions that are silent for too long, ends of graces, the devices' steps,
// heartbeats. Heartbeats, silence and the pace of accepts are core's HeartbeatSchedule,
// PresenceWheel and Admission. Every device has its plan; only devices that are online, or will be
// within half a minute, or were just now, have a slot, a small number by which the wheels know
// them. What the protocol says about coming back, graces and edges is done here by its rules; no
// frame is made. Thread rule: one thread at a time; shards share nothing that changes.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/base/digest.h"
#include "core/base/random.h"
#include "core/policy/admission.h"
#include "core/presence/heartbeat_schedule.h"
#include "core/presence/presence_wheel.h"
#include "sim/fleet/calendar.h"
#include "sim/fleet/fleet_counts.h"
#include "sim/fleet/fleet_world.h"

namespace chat::sim {

/// Who wants to know of single events; for tests of small fleets.
class FleetObserver {
 public:
  virtual ~FleetObserver() = default;
  virtual void on_heartbeat(const DayDevice& device, uint32_t tick) = 0;
  virtual void on_edge(uint32_t user, uint32_t tick, bool online) = 0;
};

class FleetShard {
 public:
  /// `world` outlives the shard; `users` are ascending.
  FleetShard(const FleetWorld& world, uint32_t number, std::span<const uint32_t> users);

  /// Runs all ticks before `until`.
  void advance(uint32_t until);
  void set_observer(FleetObserver* observer) { observer_ = observer; }

  const FleetCounts& counts() const { return counts_; }
  uint64_t devices() const { return plans_.size(); }
  uint64_t connections() const { return admission_.connections(); }
  uint64_t users_online() const { return counts_.edges_online - counts_.edges_offline; }
  /// Of all edges: (user, online, tick), in the order in which they came.
  uint64_t edge_digest() const { return edges_.value(); }
  size_t memory_bytes() const;

 private:
  /// The session of a slot as the engine sees it.
  enum class Link : uint8_t {
    none,    ///< No session.
    up,      ///< The device talks.
    silent,  ///< The device does not talk, which the engine has not noticed.
    lost,    ///< The connection is gone; the grace is running.
  };

  struct alignas(64) Slot {
    DayPlan plan;
    uint32_t device = 0;      ///< Index of plans_.
    uint32_t next_tick = 0;   ///< The plan's next step, its kind below.
    uint32_t pick = 0;        ///< send
    uint32_t lost_until = 0;  ///< The end of the grace.
    uint32_t retry_tick = 0;  ///< The next attempt to connect that the plan does not know of.
    uint32_t filed_tick = 0;  ///< Its entry of deadlines_ that counts.
    uint32_t welcomed = 0;    ///< The tick of the last Welcome,
    uint32_t spread = 0;      ///< and its reconnect window in ticks.
    DayStep::Kind next_kind = DayStep::Kind::online;
    DayStep::Break how = DayStep::Break::clean;  ///< drop
    Link link = Link::none;
    int8_t sibling = 0;    ///< Where the user's other device is in plans_, if it has one.
    uint8_t failures = 0;  ///< Attempts to connect without a stable connection.
  };

  void turn_unit();
  void expire();
  void take_steps();
  void beat();
  void storm();

  void act(uint32_t slot);
  void take_step(uint32_t slot);
  void plan_next(Slot& slot, DayStep::Kind last);
  void drop(uint32_t slot);
  void wake(uint32_t slot);
  void go_offline(uint32_t slot);
  void connect(uint32_t slot);
  void retry_later(Slot& slot);
  void break_link(uint32_t slot);
  void lose(uint32_t slot);
  void end_session(uint32_t slot);
  void set_present(const Slot& slot, bool present);
  void settle(uint32_t slot);
  void wait_until(uint32_t slot, uint32_t tick);
  uint32_t new_slot();

  const FleetWorld& world_;
  Random random_;
  uint32_t tick_ = 0;
  std::vector<DayPlan> plans_;  ///< By device; a user's devices stand together, the first first.
  std::vector<bool> present_;   ///< By device of users with two: has a session or a grace.
  Calendar calendar_;           ///< Devices without a slot, by the unit of their next session.
  std::vector<Slot> slots_;
  std::vector<uint8_t>
      mute_;  ///< By slot: why it does not talk, and whether it missed a heartbeat.
  std::vector<uint32_t> free_slots_;
  std::vector<uint32_t> released_;  ///< Slots of devices that have gone; free at the next unit.
  Calendar deadlines_;         ///< Slots by their next step, attempt or end of grace; in rounds.
  uint32_t waiting_from_ = 0;  ///< The first tick whose deadlines were not looked at.
  HeartbeatSchedule schedule_;
  PresenceWheel presence_;
  Admission admission_;
  FleetCounts counts_;
  Digest edges_;
  FleetObserver* observer_ = nullptr;
  std::vector<uint32_t> due_, beats_, silent_;  ///< Of a tick,
  std::vector<uint32_t> talked_;                ///< these said something else than a heartbeat.
};

}  // namespace chat::sim
