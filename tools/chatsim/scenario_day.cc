#include "tools/chatsim/scenario_day.h"

#include <algorithm>

namespace chat::sim {
namespace {

constexpr DurationRange kNotNegative{.min = {}, .max = seconds(30 * 24 * 3600)};
constexpr NumberRange kShare{.min = 0, .max = 1};
constexpr NumberRange kPerHour{.min = 0, .max = 3'600};

void read_regions(YamlMap& top, std::vector<Region>& regions) {
  for (YamlMap& map : top.maps("regions")) {
    Region region;
    map.require("name");
    map.text("name", region.name);
    map.number("share", region.share, {.min = 0, .max = 1e9});
    double hours = 0;
    map.number("utc_offset", hours, {.min = -12, .max = 14});
    region.utc_offset = seconds(static_cast<int64_t>(hours * 3'600));
    map.duration("round_trip", region.round_trip, {.min = {}, .max = seconds(60)});
    regions.push_back(std::move(region));
  }
}

void read_curve(YamlMap& day, std::array<double, Day::kHours>& curve) {
  std::vector<double> hours;
  day.numbers("curve", hours, {.min = 0, .max = 1e9});
  if (hours.empty()) return;
  if (hours.size() != curve.size()) {
    day.fail("curve", "expected 24 numbers, one per hour of local time");
    return;
  }
  std::copy(hours.begin(), hours.end(), curve.begin());
}

void read_span(YamlMap& parent, std::string_view key, Duration& min, Duration& max) {
  YamlMap map = parent.map(key);
  map.duration("min", min, kNotNegative);
  map.duration("max", max, kNotNegative);
}

void read_fleet(YamlMap& top, FleetServers& fleet) {
  YamlMap map = top.map("fleet");
  map.integer("engines", fleet.engines, {.min = 1, .max = 4'096});
  map.duration("window", fleet.window, kNotNegative);
  map.duration("heartbeat", fleet.heartbeat, kNotNegative);
  map.duration("grace", fleet.grace, kNotNegative);
  map.integer("accepts_per_second", fleet.accepts_per_second, {.min = 0});
  map.integer("connections_max", fleet.connections_max, {.min = 0});
}

}  // namespace

void read_day(YamlMap& top, Scenario& scenario) {
  read_regions(top, scenario.regions);
  YamlMap map = top.map("day");
  Day& day = scenario.day;
  map.duration("begin", day.begin, kNotNegative);
  read_curve(map, day.curve);
  YamlMap sessions = map.map("sessions");
  sessions.number("per_day", day.sessions.per_day, {.min = 0, .max = 1'000});
  sessions.duration("brief", day.sessions.brief, kNotNegative);
  sessions.duration("longer", day.sessions.longer, kNotNegative);
  sessions.number("longer_share", day.sessions.longer_share, kShare);
  map.number("second_device", day.second_device_share, kShare);
  map.number("mobile", day.mobile_share, kShare);
  map.number("sends_per_hour", day.sends_per_hour, kPerHour);
  map.number("reads_per_hour", day.reads_per_hour, kPerHour);
  map.integer("watchers", day.watchers, {.min = 0, .max = 1'000'000});
  YamlMap drops = map.map("drops");
  drops.number("per_hour", day.drops.per_hour, kPerHour);
  read_span(drops, "away", day.drops.away_min, day.drops.away_max);
  drops.number("clean", day.drops.clean_share, kShare);
  drops.number("silent", day.drops.silent_share, kShare);
  YamlMap sleeps = map.map("sleeps");
  sleeps.number("per_hour", day.sleeps.per_hour, kPerHour);
  read_span(sleeps, "length", day.sleeps.length_min, day.sleeps.length_max);
  read_fleet(top, scenario.fleet);
}

}  // namespace chat::sim
