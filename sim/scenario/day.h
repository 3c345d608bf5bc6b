// Day: how users live through a day, and the servers that they meet in virtual time, as plain
// values. A scenario with a day says what its users do by sessions instead of by a ramp and rates
// over one run phase. Chats, text sizes and the storm are the scenario's. Thread rule: plain value.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "core/base/error.h"
#include "core/base/time.h"

namespace chat::sim {

/// Where users live.
struct Region {
  std::string name;
  double share = 1;          ///< Of the users, relative to the other regions.
  Duration utc_offset = {};  ///< Of its clocks, from -12 to +14 hours.
  Duration round_trip = {};  ///< To the servers, in depth exact; 0 = as VirtualSetup::client says.
};

/// Sessions of a device: it comes online, stays and goes offline.
struct DaySessions {
  double per_day = 0;  ///< Mean of a device; 0 = the scenario has no day.
  Duration brief = minutes(2);
  Duration longer = minutes(20);
  double longer_share = 0.2;  ///< 0..1 of the sessions last `longer` at mean, the others `brief`.

  Duration mean_length() const;
};

/// Links of mobile devices that break and come back.
struct DayDrops {
  double per_hour = 0;  ///< While online.
  Duration away_min = seconds(5);
  Duration away_max = seconds(60);
  double clean_share = 0;   ///< 0..1 of the drops end with a proper close,
  double silent_share = 0;  ///< these without the server noticing, the others with a broken link.
};

/// Mobile devices that sleep: the link stays, but nothing is sent.
struct DaySleeps {
  double per_hour = 0;  ///< While online.
  Duration length_min = seconds(30);
  Duration length_max = minutes(5);
};

struct Day {
  static constexpr size_t kHours = 24;

  Duration begin;  ///< The time of day, UTC, at which the run begins; everybody is offline then.
  std::array<double, kHours> curve{};  ///< How often sessions begin in each hour of local time.
  DaySessions sessions;
  double second_device_share = 0;  ///< 0..1 of the users have a second device, never a mobile one.
  double mobile_share = 0;         ///< 0..1 of the first devices are mobile.
  double sends_per_hour = 0;       ///< Of a first device while online; second ones only read.
  double reads_per_hour = 0;       ///< Of every device while online.
  DayDrops drops;
  DaySleeps sleeps;
  uint32_t watchers = 0;  ///< Users who want to know of each user's presence.

  bool any() const { return sessions.per_day > 0; }
};

/// The simulated servers of the fleet.
struct FleetServers {
  uint32_t engines = 16;  ///< Each one is a shard.
  Duration window = seconds(30);
  Duration heartbeat = seconds(30);
  Duration grace = seconds(20);
  uint32_t accepts_per_second = 5'000;  ///< Of each engine; 0 = not limited.
  uint32_t connections_max = 0;         ///< Of each engine; 0 = not limited.
};

/// Checks what no single value shows. Errors: invalid_argument that names the key and the remedy.
Status check_day(const Day& day, const std::vector<Region>& regions, const FleetServers& fleet);

}  // namespace chat::sim
