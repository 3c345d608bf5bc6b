#include "sim/fleet/fleet_shard.h"

#include <algorithm>
#include <utility>

#include "core/base/assert.h"

namespace chat::sim {
namespace {

using Kind = DayStep::Kind;

constexpr uint32_t kNever = UINT32_MAX;
constexpr uint32_t kUnitTicks = 256;
constexpr size_t kAhead = 16;            ///< Devices whose memory is asked for ahead.
constexpr uint32_t kRoundTicks = 2'048;  ///< Of deadlines_, a power of two.
// The back-off of ClientOptions, in ticks.
constexpr uint32_t kBackoffBase = 10;
constexpr uint32_t kBackoffCap = 600;
constexpr uint32_t kStable = 300;
// Of mute_.
constexpr uint8_t kMute = 1;
constexpr uint8_t kOverdue = 2;
constexpr uint8_t kUnlinked = 4;

uint32_t unit_of(uint32_t tick) { return tick / kUnitTicks; }

}  // namespace

FleetShard::FleetShard(const FleetWorld& world, uint32_t number, std::span<const uint32_t> users)
    : world_(world),
      random_(Random(world.seed).fork("shard", number)),
      calendar_(unit_of(world.profile.end()) + 1),
      deadlines_(kRoundTicks),
      schedule_(world.heartbeat_ticks),
      presence_(world.timeout_ticks),
      admission_(world.admission) {
  size_t devices = users.size();
  for (const uint32_t user : users) devices += world.profile.has_second(user);
  plans_.reserve(devices);
  for (const uint32_t user : users) {
    plans_.emplace_back(world.profile, DayDevice{.user = user});
    if (world.profile.has_second(user)) {
      plans_.emplace_back(world.profile, DayDevice{.user = user, .second = true});
    }
  }
  present_.resize(devices);
  calendar_.reserve(devices);
  for (uint32_t device = 0; device < devices; ++device) {
    const auto step = plans_[device].next(world.profile);
    if (step) calendar_.add(unit_of(step->tick), device);
  }
}

void FleetShard::advance(uint32_t until) {
  for (; tick_ < until; ++tick_) {
    if (tick_ % kUnitTicks == 0) turn_unit();
    expire();
    take_steps();
    if (tick_ == world_.storm_tick) storm();
    beat();
  }
}

// ---------------------------------------------------------------- slots

uint32_t FleetShard::new_slot() {
  if (free_slots_.empty()) {
    slots_.emplace_back();
    mute_.push_back(0);
    return static_cast<uint32_t>(slots_.size()) - 1;
  }
  const uint32_t slot = free_slots_.back();
  free_slots_.pop_back();
  slots_[slot] = {};
  mute_[slot] = 0;
  return slot;
}

/// Takes the slots back from devices that have gone, and gives slots to those that come online
/// within the next unit. Both at once, for the plans of devices without a slot lie anywhere in
/// memory.
void FleetShard::turn_unit() {
  for (size_t i = 0; i < released_.size(); ++i) {
    if (i + kAhead < released_.size()) {
      __builtin_prefetch(&plans_[slots_[released_[i + kAhead]].device], 1);
    }
    const Slot& slot = slots_[released_[i]];
    plans_[slot.device] = slot.plan;
    if (slot.next_tick != kNever) calendar_.add(unit_of(slot.next_tick), slot.device);
  }
  free_slots_.insert(free_slots_.end(), released_.begin(), released_.end());
  released_.clear();
  due_.clear();
  calendar_.take(unit_of(tick_), due_);
  for (size_t i = 0; i < due_.size(); ++i) {
    if (i + kAhead < due_.size()) __builtin_prefetch(&plans_[due_[i + kAhead]]);
    const uint32_t device = due_[i];
    const uint32_t number = new_slot();
    Slot& slot = slots_[number];
    slot.device = device;
    slot.plan = plans_[device];
    slot.next_tick = slot.plan.began();
    slot.retry_tick = kNever;
    if (slot.plan.device().second) {
      slot.sibling = -1;
    } else if (device + 1 < plans_.size() && plans_[device + 1].device().second) {
      slot.sibling = 1;
    }
    wait_until(number, slot.next_tick);
  }
}

/// The slot waits for what comes first, or is given back when its device has nothing to do for now.
void FleetShard::settle(uint32_t number) {
  Slot& slot = slots_[number];
  if (slot.next_kind == Kind::online && slot.link == Link::none &&
      (slot.next_tick == kNever || unit_of(slot.next_tick) > unit_of(tick_))) {
    released_.push_back(number);
    return;
  }
  const uint32_t grace = slot.link == Link::lost ? slot.lost_until : kNever;
  const uint32_t next = std::min({slot.next_tick, slot.retry_tick, grace});
  if (next != kNever) wait_until(number, next);
}

/// What was filed for the slot before becomes void.
void FleetShard::wait_until(uint32_t number, uint32_t tick) {
  const uint32_t filed = std::clamp(tick, waiting_from_, tick_ + kRoundTicks - 1);
  slots_[number].filed_tick = filed;
  deadlines_.add(filed % kRoundTicks, number);
}

// ---------------------------------------------------------------- a tick

void FleetShard::expire() {
  silent_.clear();
  presence_.sweep(tick_, silent_);
  for (const uint32_t slot : silent_) {
    ++counts_.heartbeat_timeouts;
    lose(slot);
    settle(slot);
  }
}

void FleetShard::take_steps() {
  due_.clear();
  deadlines_.take(tick_ % kRoundTicks, due_);
  waiting_from_ = tick_ + 1;
  for (const uint32_t slot : due_) __builtin_prefetch(&slots_[slot], 1);
  // As in an engine, whose timers fire before a turn's inputs.
  for (const uint32_t slot : due_) {
    if (slots_[slot].link == Link::lost && slots_[slot].lost_until <= tick_) end_session(slot);
  }
  for (const uint32_t slot : due_) {
    if (slots_[slot].filed_tick == tick_) act(slot);
  }
}

void FleetShard::act(uint32_t number) {
  Slot& slot = slots_[number];
  slot.filed_tick = kNever;
  if (slot.retry_tick <= tick_) {
    slot.retry_tick = kNever;
    connect(number);
  }
  if (slot.next_tick <= tick_) take_step(number);
  settle(number);
}

void FleetShard::beat() {
  // A frame of a device puts its heartbeat off, also one that would be due now.
  schedule_.sent(talked_, tick_);
  presence_.refresh(talked_, tick_);
  talked_.clear();
  beats_.clear();
  schedule_.next(tick_, beats_);
  size_t count = 0;
  for (const uint32_t slot : beats_) {
    beats_[count] = slot;
    const uint8_t mute = mute_[slot];
    count += mute == 0;
    if (mute != 0) mute_[slot] |= kOverdue;
  }
  beats_.resize(count);
  presence_.refresh(beats_, tick_);
  counts_.heartbeats += count;
  if (observer_ == nullptr) return;
  for (const uint32_t slot : beats_) {
    observer_->on_heartbeat(slots_[slot].plan.device(), tick_);
  }
}

/// All links break at once; those who talk notice it and come back by the protocol's rule.
void FleetShard::storm() {
  for (uint32_t number = 0; number < slots_.size(); ++number) {
    Slot& slot = slots_[number];
    const bool linked = slot.link == Link::up || slot.link == Link::silent;
    if (!linked || random_.next() >> 32 >= world_.storm_below) continue;
    const bool talks = slot.link == Link::up;
    lose(number);
    if (talks) {
      if (tick_ - slot.welcomed >= kStable) slot.failures = 0;
      retry_later(slot);
    }
    settle(number);
  }
}

// ---------------------------------------------------------------- what devices do

void FleetShard::take_step(uint32_t number) {
  Slot& slot = slots_[number];
  const Kind kind = slot.next_kind;
  ++counts_.steps;
  switch (kind) {
    case Kind::send:
      if (slot.link == Link::up) {
        ++counts_.sends;
        counts_.recipients += world_.chat_sizes.others(slot.pick);
        talked_.push_back(number);
      } else {
        ++counts_.not_sent;
      }
      break;
    case Kind::read:
      if (slot.link == Link::up) {
        ++counts_.reads;
        talked_.push_back(number);
      }
      break;
    case Kind::online:
      connect(number);
      break;
    case Kind::back:
      wake(number);
      break;
    case Kind::drop:
      ++counts_.drops;
      drop(number);
      break;
    case Kind::sleep:
      ++counts_.sleeps;
      slot.retry_tick = kNever;
      if (slot.link == Link::up) {
        slot.link = Link::silent;
        mute_[number] = kMute;
      }
      break;
    case Kind::offline:
      go_offline(number);
      break;
  }
  plan_next(slot, kind);
}

void FleetShard::plan_next(Slot& slot, Kind last) {
  const auto step = slot.plan.next(world_.profile);
  if (step) {
    slot.next_tick = step->tick;
    slot.next_kind = step->kind;
    slot.pick = step->pick;
    slot.how = step->link;
    return;
  }
  slot.next_tick = kNever;
  slot.next_kind = last == Kind::offline ? Kind::online : Kind::offline;
}

void FleetShard::drop(uint32_t number) {
  Slot& slot = slots_[number];
  slot.retry_tick = kNever;
  if (slot.link != Link::up) return;
  switch (slot.how) {
    case DayStep::Break::clean:
      break_link(number);
      end_session(number);
      break;
    case DayStep::Break::broken:
      lose(number);
      break;
    case DayStep::Break::silent:
      slot.link = Link::silent;
      mute_[number] = kMute | kUnlinked;
      break;
  }
}

/// After a drop or a sleep. A device that slept and still has its link goes on; the heartbeat that
/// was due meanwhile comes now.
void FleetShard::wake(uint32_t number) {
  Slot& slot = slots_[number];
  const uint8_t mute = std::exchange(mute_[number], 0);
  if (slot.link != Link::silent || (mute & kUnlinked) != 0) {
    connect(number);
    return;
  }
  slot.link = Link::up;
  if ((mute & kOverdue) == 0) return;
  ++counts_.heartbeats;
  talked_.push_back(number);
  if (observer_ != nullptr) observer_->on_heartbeat(slot.plan.device(), tick_);
}

void FleetShard::go_offline(uint32_t number) {
  Slot& slot = slots_[number];
  slot.retry_tick = kNever;
  if (slot.link != Link::up) return;
  break_link(number);
  end_session(number);
}

// ---------------------------------------------------------------- connections and sessions

void FleetShard::connect(uint32_t number) {
  Slot& slot = slots_[number];
  if (admission_.admit(TickScale{}.start_of(tick_)) != AdmissionVerdict::accept) {
    ++counts_.connections_refused;
    retry_later(slot);
    return;
  }
  ++counts_.connections_opened;
  switch (slot.link) {
    case Link::none:
      set_present(slot, true);
      break;
    case Link::lost:
      ++counts_.sessions_resumed;
      break;
    case Link::up:
    case Link::silent:
      ++counts_.devices_replaced;
      ++counts_.connections_closed;
      admission_.closed();
      break;
  }
  slot.link = Link::up;
  slot.welcomed = tick_;
  slot.spread = TickScale{}.span(admission_.reconnect_window());
  mute_[number] = 0;
  presence_.add(number, tick_);
  schedule_.add(number, tick_, random_);
}

/// As ClientSession::closed(): full jitter within the back-off, or within the window that the last
/// Welcome announced if that is longer.
void FleetShard::retry_later(Slot& slot) {
  uint32_t bound = kBackoffBase;
  for (int i = 0; i < slot.failures && bound < kBackoffCap; ++i) bound *= 2;
  bound = std::max(std::min(bound, kBackoffCap), std::exchange(slot.spread, 0));
  if (slot.failures < UINT8_MAX) ++slot.failures;
  slot.retry_tick = tick_ + 1 + static_cast<uint32_t>(random_.below(bound));
}

/// The engine notices that the connection is gone.
void FleetShard::break_link(uint32_t number) {
  ++counts_.connections_closed;
  admission_.closed();
  schedule_.remove(number);
  presence_.remove(number);
}

void FleetShard::lose(uint32_t number) {
  Slot& slot = slots_[number];
  break_link(number);
  slot.link = Link::lost;
  slot.lost_until = tick_ + world_.grace_ticks;
}

void FleetShard::end_session(uint32_t number) {
  Slot& slot = slots_[number];
  slot.link = Link::none;
  set_present(slot, false);
}

/// A user is online while one of its devices has a session.
void FleetShard::set_present(const Slot& slot, bool present) {
  if (slot.sibling != 0) {
    present_[slot.device] = present;
    if (present_[slot.device + static_cast<uint32_t>(slot.sibling)]) return;
  }
  const uint32_t user = slot.plan.device().user;
  ++(present ? counts_.edges_online : counts_.edges_offline);
  edges_.add(uint64_t{user} << 33 | uint64_t{tick_} << 1 | (present ? 1 : 0));
  if (observer_ != nullptr) observer_->on_edge(user, tick_, present);
}

size_t FleetShard::memory_bytes() const {
  const size_t scratch = due_.capacity() + beats_.capacity() + silent_.capacity() +
                         talked_.capacity() + free_slots_.capacity() + released_.capacity();
  return sizeof(*this) + plans_.capacity() * sizeof(DayPlan) + present_.capacity() / 8 +
         calendar_.memory_bytes() + slots_.capacity() * sizeof(Slot) + mute_.capacity() +
         deadlines_.memory_bytes() + schedule_.memory_bytes() + presence_.memory_bytes() +
         scratch * sizeof(uint32_t);
}

}  // namespace chat::sim
