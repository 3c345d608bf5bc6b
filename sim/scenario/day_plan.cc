#include "sim/scenario/day_plan.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include "core/base/assert.h"
#include "core/base/random.h"
#include "sim/scenario/scenario.h"

namespace chat::sim {
namespace {

constexpr uint32_t kNever = UINT32_MAX;
constexpr uint32_t kHourTicks = 36'000;
constexpr uint64_t kGolden = 0x9e3779b97f4a7c15ull;
constexpr double kTwo32 = 4294967296.0;

uint64_t below(double share) { return static_cast<uint64_t>(share * kTwo32); }
uint32_t high(uint64_t draw) { return static_cast<uint32_t>(draw >> 32); }
uint32_t low(uint64_t draw) { return static_cast<uint32_t>(draw); }

// The logarithm of a C library may differ in the last bit from machine to machine, and a plan must
// not. And it is drawn some ten times per user.

/// A number in [1, 2) with its exponent.
struct Normal {
  double mantissa;
  int64_t exponent;
};

Normal normal(double x) {
  constexpr uint64_t kMantissa = (uint64_t{1} << 52) - 1;
  const auto bits = std::bit_cast<uint64_t>(x);
  return {.mantissa = std::bit_cast<double>((bits & kMantissa) | uint64_t{1'023} << 52),
          .exponent = static_cast<int64_t>(bits >> 52) - 1'023};
}

/// The natural logarithm in [1, 2), to 12 digits: 2 artanh((m - 1) / (m + 1)) by its series.
double slow_log(double m) {
  const double s = (m - 1) / (m + 1);
  double sum = 0;
  for (int i = 25; i > 0; i -= 2) sum = sum * s * s + 1.0 / i;
  return 2 * s * sum;
}

/// Logarithms at 256 places in [1, 2), from which a short step leads to the one that is asked for.
class LogTable {
 public:
  LogTable() {
    for (size_t i = 0; i < places_.size(); ++i) {
      const double middle = 1 + (static_cast<double>(i) + 0.5) / places_.size();
      places_[i] = {.inverse = 1 / middle, .log = slow_log(middle)};
    }
  }
  /// The natural logarithm of a positive number, to 8 digits.
  double log(double x) const {
    constexpr double kLn2 = 0.693147180559945309417;
    const Normal n = normal(x);
    const auto at = static_cast<size_t>((n.mantissa - 1) * places_.size());
    const double r = n.mantissa * places_[at].inverse - 1;
    return static_cast<double>(n.exponent) * kLn2 + places_[at].log + (r - r * r * 0.5);
  }

 private:
  struct Place {
    double inverse, log;
  };
  std::array<Place, 256> places_;
};

const LogTable kLogs;

/// Exponential with mean 1 from 32 uniform bits.
double exponential(uint32_t bits) { return -kLogs.log((bits + 0.5) / kTwo32); }

uint32_t between(uint32_t min, uint32_t max, uint32_t bits) {
  return min + static_cast<uint32_t>((uint64_t{max - min} + 1) * bits >> 32);
}

double ticks_of(Duration d) { return static_cast<double>(TickScale{}.span(d)); }

}  // namespace

// ---------------------------------------------------------------- what all share

DayProfile::Gap::Gap(double mean_ticks)
    : factor(mean_ticks <= 1 ? 0 : 1 / slow_log(mean_ticks / (mean_ticks - 1))) {}

uint32_t DayProfile::Gap::ticks(double exponential) const {
  return 1 + static_cast<uint32_t>(std::min(exponential * factor, double{INT32_MAX}));
}

DayProfile::DayProfile(const Scenario& scenario)
    : seed_(Random(scenario.seed).fork("day").next()),
      end_(TickScale{}.span(scenario.run_length())),
      brief_(ticks_of(scenario.day.sessions.brief)),
      longer_(ticks_of(scenario.day.sessions.longer)),
      longer_below_(below(scenario.day.sessions.longer_share)),
      second_below_(below(scenario.day.second_device_share)),
      mobile_below_(below(scenario.day.mobile_share)),
      clean_below_(below(scenario.day.drops.clean_share)),
      silent_below_(clean_below_ + below(scenario.day.drops.silent_share)),
      mobile_habit_(habit_of(scenario.day, true, true)),
      fixed_habit_(habit_of(scenario.day, true, false)),
      second_habit_(habit_of(scenario.day, false, false)),
      away_min_(std::max(1u, TickScale{}.span(scenario.day.drops.away_min))),
      away_max_(std::max(1u, TickScale{}.span(scenario.day.drops.away_max))),
      sleep_min_(std::max(1u, TickScale{}.span(scenario.day.sleeps.length_min))),
      sleep_max_(std::max(1u, TickScale{}.span(scenario.day.sleeps.length_max))) {
  CHAT_ASSERT(scenario.users <= kUsersMax);
  const Day& day = scenario.day;
  double sum = 0;
  for (const Region& region : scenario.regions) sum += region.share;
  double shares = 0;
  for (const Region& region : scenario.regions) {
    shares += region.share;
    const Duration local = day.begin + region.utc_offset + seconds(24 * 3600);
    regions_.push_back(
        {.user_share_below = below(shares / sum), .shift = TickScale{}.span(local) % kDayTicks});
  }
  if (regions_.empty()) regions_.push_back({.shift = TickScale{}.span(day.begin) % kDayTicks});
  regions_.back().user_share_below = uint64_t{1} << 32;
  sum = 0;
  for (size_t hour = 0; hour < Day::kHours; ++hour) {
    mass_[hour] = sum;
    sum += day.curve[hour];
  }
  mass_[Day::kHours] = sum;
  for (size_t hour = 0; hour <= Day::kHours; ++hour) {
    mass_[hour] = sum > 0 ? mass_[hour] / sum : static_cast<double>(hour) / Day::kHours;
  }
  // A session that lasts leaves no time for another to begin.
  const double online = day.sessions.per_day * day.sessions.mean_length().seconds() / 86'400;
  start_mass_ = (1 - online) / day.sessions.per_day;
  for (uint32_t hour = 0, place = 0; place < hours_.size(); ++place) {
    while (mass_[hour + 1] * kHourPlaces <= place) ++hour;
    hours_[place] = static_cast<uint8_t>(hour);
  }
}

DayProfile::Habit DayProfile::habit_of(const Day& day, bool sends, bool mobile) {
  const double send = sends ? day.sends_per_hour : 0;
  const double drop = mobile ? day.drops.per_hour : 0;
  const double sleep = mobile ? day.sleeps.per_hour : 0;
  const double sum = send + day.reads_per_hour + drop + sleep;
  if (sum <= 0) return {};
  Habit habit;
  habit.gap = Gap(kHourTicks / sum);
  habit.any = true;
  habit.send_below = below(send / sum);
  habit.read_below = below((send + day.reads_per_hour) / sum);
  habit.drop_below = sleep > 0 ? below((sum - sleep) / sum) : uint64_t{1} << 32;
  return habit;
}

uint64_t DayProfile::traits(uint32_t user) const { return mix64(seed_ ^ ~uint64_t{user}); }

size_t DayProfile::region_of(uint32_t user) const {
  const uint32_t place = low(traits(user));
  size_t region = 0;
  while (place >= regions_[region].user_share_below) ++region;
  return region;
}

bool DayProfile::is_mobile(uint32_t user) const { return high(traits(user)) < mobile_below_; }

bool DayProfile::has_second(uint32_t user) const {
  return second_below_ > 0 && low(mix64(traits(user))) < second_below_;
}

uint32_t DayProfile::start_after(size_t region, uint32_t from, double exponential) const {
  const uint32_t shift = regions_[region].shift;
  const uint32_t local = from + shift;
  const uint32_t rest = local % kDayTicks;
  const uint32_t hour = rest / kHourTicks;
  const double within = (rest - hour * kHourTicks) * (1.0 / kHourTicks);
  const double mass =
      mass_[hour] + (mass_[hour + 1] - mass_[hour]) * within + exponential * start_mass_;
  const auto days = static_cast<uint32_t>(std::min(mass, 1e6));
  const double part = mass - days;
  if (part >= 1) return kNever;
  size_t then = hours_[static_cast<size_t>(part * kHourPlaces)];
  while (mass_[then + 1] <= part) ++then;
  const double share = (part - mass_[then]) / (mass_[then + 1] - mass_[then]);
  const auto tick = uint64_t{local - rest} + uint64_t{days} * kDayTicks + then * kHourTicks +
                    static_cast<uint32_t>(share * kHourTicks);
  if (tick >= uint64_t{end_} + shift) return kNever;
  return std::max(static_cast<uint32_t>(tick) - shift, from + 1);
}

// ---------------------------------------------------------------- one device

DayPlan::DayPlan(const DayProfile& profile, DayDevice device)
    : user_(device.user),
      second_(device.second ? 1 : 0),
      mobile_(!device.second && profile.is_mobile(device.user) ? 1 : 0) {}

uint64_t DayPlan::draw(const DayProfile& profile) {
  const uint64_t stream = mix64(profile.seed_ ^ (uint64_t{user_} << 1 | second_));
  return mix64(stream + kGolden * draws_++);
}

std::optional<DayStep> DayPlan::next(const DayProfile& profile) {
  std::optional<DayStep> step;
  switch (state_) {
    case is_offline:
      step = begin_session(profile);
      break;
    case is_online:
      step = act(profile);
      break;
    case is_away:
      if (at_ >= until_) {
        step = end_session(profile);
      } else if (at_ < profile.end_) {
        state_ = is_online;
        step = DayStep{.tick = at_, .kind = DayStep::Kind::back};
      }
      break;
  }
  return step;
}

std::optional<DayStep> DayPlan::begin_session(const DayProfile& profile) {
  if (at_ >= profile.end_) return std::nullopt;
  const uint64_t bits = draw(profile);
  const double gap = exponential(high(bits));
  at_ = profile.start_after(profile.region_of(user_), at_, gap);
  if (at_ >= profile.end_) return std::nullopt;
  const auto& length = low(bits) < profile.longer_below_ ? profile.longer_ : profile.brief_;
  until_ = at_ + length.ticks(exponential(high(draw(profile))));
  state_ = is_online;
  return DayStep{.tick = at_, .kind = DayStep::Kind::online};
}

std::optional<DayStep> DayPlan::act(const DayProfile& profile) {
  const DayProfile::Habit& habit = second_   ? profile.second_habit_
                                   : mobile_ ? profile.mobile_habit_
                                             : profile.fixed_habit_;
  if (!habit.any) return end_session(profile);
  const uint64_t bits = draw(profile);
  const uint64_t tick = uint64_t{at_} + habit.gap.ticks(exponential(high(bits)));
  if (tick >= until_) return end_session(profile);
  if (tick >= profile.end_) {
    at_ = kNever;
    state_ = is_offline;
    return std::nullopt;
  }
  DayStep step{.tick = static_cast<uint32_t>(tick)};
  at_ = step.tick;
  const uint64_t details = draw(profile);
  if (low(bits) < habit.read_below) {
    step.kind = low(bits) < habit.send_below ? DayStep::Kind::send : DayStep::Kind::read;
    step.pick = high(details);
    return step;
  }
  if (low(bits) < habit.drop_below) {
    step.kind = DayStep::Kind::drop;
    step.away = between(profile.away_min_, profile.away_max_, high(details));
    step.link = low(details) < profile.clean_below_    ? DayStep::Break::clean
                : low(details) < profile.silent_below_ ? DayStep::Break::silent
                                                       : DayStep::Break::broken;
  } else {
    step.kind = DayStep::Kind::sleep;
    step.away = between(profile.sleep_min_, profile.sleep_max_, high(details));
  }
  at_ += step.away;
  state_ = is_away;
  return step;
}

std::optional<DayStep> DayPlan::end_session(const DayProfile& profile) {
  at_ = until_;
  state_ = is_offline;
  if (at_ >= profile.end_) return std::nullopt;
  return DayStep{.tick = at_, .kind = DayStep::Kind::offline};
}

}  // namespace chat::sim
