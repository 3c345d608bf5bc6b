#include "sim/scenario/day.h"

#include <algorithm>

namespace chat::sim {
namespace {

constexpr Duration kDay = seconds(24 * 3600);
constexpr uint32_t kEnginesMax = 4'096;
constexpr double kOnlineShareMax = 0.9;

Status refuse(std::string text) { return make_error(ErrorCode::invalid_argument, std::move(text)); }

Status check_regions(const std::vector<Region>& regions) {
  double shares = 0;
  for (const Region& region : regions) {
    if (region.share < 0) return refuse("regions need shares of at least 0");
    if (region.utc_offset < seconds(-12 * 3600) || region.utc_offset > seconds(14 * 3600)) {
      return refuse("regions.utc_offset must be between -12 and 14 hours");
    }
    shares += region.share;
  }
  if (!regions.empty() && shares <= 0) return refuse("regions need a share above 0");
  return {};
}

Status check_links(const Day& day) {
  if (day.drops.away_min > day.drops.away_max) return refuse("day.drops.away needs min <= max");
  if (day.sleeps.length_min > day.sleeps.length_max) {
    return refuse("day.sleeps.length needs min <= max");
  }
  if (day.drops.clean_share + day.drops.silent_share > 1) {
    return refuse(
        "day.drops.clean and day.drops.silent are shares of all drops: together at most 1");
  }
  return {};
}

}  // namespace

Duration DaySessions::mean_length() const {
  const auto more = static_cast<double>(longer.ns - brief.ns);
  return brief + Duration{static_cast<int64_t>(longer_share * more)};
}

Status check_day(const Day& day, const std::vector<Region>& regions, const FleetServers& fleet) {
  const DaySessions& sessions = day.sessions;
  if (sessions.brief < seconds(1) || sessions.longer < seconds(1)) {
    return refuse("day.sessions.brief and day.sessions.longer must be at least 1s");
  }
  const double online = sessions.per_day * sessions.mean_length().seconds() / kDay.seconds();
  if (online > kOnlineShareMax) {
    return refuse(
        "day.sessions: per_day times the mean length must leave a tenth of the day offline");
  }
  if (day.begin >= kDay) return refuse("day.begin is a time of day: less than 24h");
  const auto negative = [](double value) { return value < 0; };
  if (std::any_of(day.curve.begin(), day.curve.end(), negative)) {
    return refuse("day.curve needs numbers of at least 0");
  }
  if (fleet.engines < 1 || fleet.engines > kEnginesMax) {
    return refuse("fleet.engines must be between 1 and 4096");
  }
  if (fleet.heartbeat < seconds(1)) return refuse("fleet.heartbeat must be at least 1s");
  if (fleet.window < seconds(1) || fleet.window > fleet.heartbeat ||
      fleet.window.ns % seconds(1).ns != 0) {
    return refuse("fleet.window must be whole seconds between 1s and fleet.heartbeat");
  }
  if (Status right = check_regions(regions); !right) return right;
  return check_links(day);
}

}  // namespace chat::sim
