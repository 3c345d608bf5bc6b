// A small day for tests of the fleet, with everything that devices can do.
// Thread rule: pure function.
#pragma once

#include "sim/scenario/scenario.h"

namespace chat::sim {

inline Scenario fleet_scenario() {
  Scenario scenario;
  scenario.name = "fleet";
  scenario.seed = 3;
  scenario.users = 600;
  scenario.duration = seconds(4 * 3600);
  scenario.chats.direct_per_user = 3;
  scenario.chats.groups = 20;
  scenario.regions = {{.name = "west", .share = 1, .utc_offset = seconds(-5 * 3600)},
                      {.name = "east", .share = 2, .utc_offset = seconds(8 * 3600)}};
  Day& day = scenario.day;
  day.sessions = {.per_day = 40, .brief = minutes(3), .longer = minutes(15), .longer_share = 0.3};
  day.second_device_share = 0.4;
  day.mobile_share = 0.8;
  day.sends_per_hour = 40;
  day.reads_per_hour = 20;
  day.drops = {.per_hour = 15,
               .away_min = seconds(2),
               .away_max = minutes(3),
               .clean_share = 0.2,
               .silent_share = 0.5};
  day.sleeps = {.per_hour = 10, .length_min = seconds(10), .length_max = minutes(4)};
  day.watchers = 20;
  scenario.fleet.engines = 3;
  scenario.fleet.accepts_per_second = 0;
  return scenario;
}

}  // namespace chat::sim
