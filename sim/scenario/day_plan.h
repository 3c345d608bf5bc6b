// DayProfile and DayPlan: what every device does in a day, step by step, as a stream of its own.
// A step is derived by hashing (seed, device, number of the draw), so that a plan is 16 bytes and
// the same in every driver; nothing that a server says consumes a draw. Times are whole ticks of
// 100 ms from the beginning of the run. Within a tick a device takes one step. Thread rule: a
// DayProfile is read by any, a DayPlan belongs to one thread.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "core/presence/tick_scale.h"
#include "sim/scenario/day.h"

namespace chat::sim {

struct Scenario;

/// Which of its devices a user means: its first one, or the second one if it has one.
struct DayDevice {
  uint32_t user = 0;
  bool second = false;
};

struct DayStep {
  enum class Kind : uint8_t {
    online,   ///< A session begins.
    send,     ///< A message; `pick` says to which chat.
    read,     ///< A chat is read to its end.
    drop,     ///< The link breaks for `away` ticks.
    sleep,    ///< The device says nothing for `away` ticks; the link stays.
    back,     ///< After a drop or sleep, unless the session ended before.
    offline,  ///< The session ends with a proper close, if there is a link.
  };
  /// How a link breaks.
  enum class Break : uint8_t {
    clean,   ///< Closed properly: the session ends.
    broken,  ///< The server notices at once.
    silent,  ///< The server notices by the silence.
  };

  uint32_t tick = 0;
  Kind kind = Kind::online;
  Break link = Break::clean;  ///< drop
  uint32_t away = 0;          ///< drop, sleep
  uint32_t pick = 0;          ///< send, read: uniform; which chat is the driver's to derive.
};

/// What all plans of a scenario with a day share.
class DayProfile {
 public:
  static constexpr uint32_t kDayTicks = 24 * 36'000;
  static constexpr uint32_t kUsersMax = uint32_t{1} << 28;

  explicit DayProfile(const Scenario& scenario);

  /// The first tick after the run.
  uint32_t end() const { return end_; }
  bool has_second(uint32_t user) const;
  bool is_mobile(uint32_t user) const;
  size_t region_of(uint32_t user) const;

 private:
  friend class DayPlan;

  /// Geometric gaps of at least one tick, with a mean in ticks.
  struct Gap {
    double factor = 0;

    Gap() = default;
    explicit Gap(double mean_ticks);
    uint32_t ticks(double exponential) const;
  };
  /// What a device does while it is online.
  struct Habit {
    Gap gap;
    bool any = false;
    /// In 1/2^32: below it is a send, else below it a read, …; sleeps are the rest.
    uint64_t send_below = 0, read_below = 0, drop_below = 0;
  };

  static Habit habit_of(const Day& day, bool sends, bool mobile);
  /// When the next session of a device of the region begins that was offline since `from`;
  /// UINT32_MAX if not within the run.
  uint32_t start_after(size_t region, uint32_t from, double exponential) const;
  uint64_t traits(uint32_t user) const;

  static constexpr uint32_t kHourPlaces = 256;

  struct Clock {
    uint64_t user_share_below = 0;  ///< In 1/2^32, cumulated over the regions.
    uint32_t shift = 0;             ///< Ticks of local time when the run begins.
  };

  uint64_t seed_;
  uint32_t end_;
  std::vector<Clock> regions_;
  std::array<double, Day::kHours + 1> mass_{};  ///< Share of a day's sessions before each hour.
  /// The hour at which to begin to look for a mass.
  std::array<uint8_t, kHourPlaces> hours_{};
  double start_mass_;  ///< Between two sessions at mean, while offline.
  Gap brief_, longer_;
  uint64_t longer_below_, second_below_, mobile_below_;
  uint64_t clean_below_, silent_below_;
  Habit mobile_habit_, fixed_habit_, second_habit_;
  uint32_t away_min_, away_max_, sleep_min_, sleep_max_;
};

class DayPlan {
 public:
  DayPlan() = default;
  DayPlan(const DayProfile& profile, DayDevice device);

  /// The device's next step, in time order; nullopt when the run is over, and ever after.
  std::optional<DayStep> next(const DayProfile& profile);

  DayDevice device() const { return {.user = user_, .second = second_ != 0}; }
  /// The tick of a session's beginning, when that was the last step.
  uint32_t began() const { return at_; }

 private:
  enum State : uint32_t { is_offline, is_online, is_away };

  uint64_t draw(const DayProfile& profile);
  std::optional<DayStep> begin_session(const DayProfile& profile);
  std::optional<DayStep> act(const DayProfile& profile);
  std::optional<DayStep> end_session(const DayProfile& profile);

  uint32_t user_ : 28 = 0;
  uint32_t second_ : 1 = 0;
  uint32_t mobile_ : 1 = 0;
  uint32_t state_ : 2 = is_offline;
  uint32_t draws_ = 0;
  uint32_t at_ = 0;     ///< Of the last step; while away, when it will be back.
  uint32_t until_ = 0;  ///< The end of the session.
};
static_assert(sizeof(DayPlan) == 16);

}  // namespace chat::sim
