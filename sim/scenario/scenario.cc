#include "sim/scenario/scenario.h"

namespace chat::sim {
namespace {

constexpr Duration kQuietMax = seconds(60);
constexpr uint32_t kDevicesPerUserMax = 8;
constexpr uint32_t kTextBytesMax = 16 * 1024;
constexpr uint32_t kUsersMax = 10'000'000;

Status refuse(std::string text) { return make_error(ErrorCode::invalid_argument, std::move(text)); }

Status check_chats(const Scenario& s) {
  const ChatMix& chats = s.chats;
  const std::string of_users = " (there are " + std::to_string(s.users) + " users)";
  if (chats.direct_per_user >= s.users && chats.direct_per_user > 0) {
    return refuse("chats.direct.per_user must be less than users" + of_users);
  }
  if (chats.groups > 0 &&
      (chats.group_size.min < 1 || chats.group_size.min > chats.group_size.max)) {
    return refuse("chats.groups.size needs 1 <= min <= max");
  }
  if (chats.groups > 0 && chats.group_size.max > s.users) {
    return refuse("chats.groups.size.max is more than users" + of_users);
  }
  if (chats.rooms > 0 && (chats.room_size < 1 || chats.room_size > s.users)) {
    return refuse("chats.rooms.size must be between 1 and users" + of_users);
  }
  return {};
}

Status check_devices(const Scenario& s) {
  if (s.devices_per_user < 1 || s.devices_per_user > kDevicesPerUserMax) {
    return refuse("devices.per_user must be between 1 and 8");
  }
  if (s.devices_per_user > 1 && s.login == Scenario::Login::password) {
    return refuse("devices.per_user above 1 needs login: minted");
  }
  if (s.storm.at.ns < 0 || (s.storm.at.ns > 0 && s.storm.at >= s.run_length())) {
    return refuse("storm.at must be within the run");
  }
  if (s.slow_readers.users_share > 0 && s.slow_readers.bytes_per_s < 1) {
    return refuse("slow_readers.bytes_per_s must be at least 1");
  }
  return {};
}

Status check_loads(const Scenario& s) {
  const SizeRange& text = s.sends.text_bytes;
  if (text.min < kTextBytesMin || text.min > text.max || text.max > kTextBytesMax) {
    return refuse("sends.text needs " + std::to_string(kTextBytesMin) + " <= min <= max <= " +
                  std::to_string(kTextBytesMax) + " bytes; the shortest text carries time stamps");
  }
  const bool sends = s.sends.per_user_per_s > 0 || !s.ladder.rates_per_s.empty();
  const bool has_chats = s.chats.direct_per_user + s.chats.groups + s.chats.rooms > 0;
  if (sends && !has_chats)
    return refuse("sends need chats: set chats.direct, chats.groups or chats.rooms");
  if (s.changes.any() && !sends) {
    return refuse("edits, deletions and reactions need messages: set sends.rate or a ladder");
  }
  if (s.sends.queue_max < 1) return refuse("sends.queue_max must be at least 1");
  const bool negative =
      s.sends.direct_share < 0 || s.sends.group_share < 0 || s.sends.room_share < 0;
  if (negative || s.sends.direct_share + s.sends.group_share + s.sends.room_share <= 0) {
    return refuse("sends.mix needs weights of at least 0, one of them above 0");
  }
  if (s.drops.users_share > 0 && s.drops.every < seconds(1)) {
    return refuse("drops.every must be at least 1s");
  }
  if (s.drops.away_min.ns < 0 || s.drops.away_min > s.drops.away_max) {
    return refuse("drops.away needs min <= max");
  }
  if (s.leaves.away_min.ns < 0 || s.leaves.away_min > s.leaves.away_max) {
    return refuse("leaves.away needs min <= max");
  }
  if (s.leaves.per_user_per_s > 0 && s.chats.groups == 0) {
    return refuse("leaves need groups: set chats.groups");
  }
  if (s.presence.users < 1 || s.presence.users > 500) {
    return refuse("presence.users must be between 1 and 500");
  }
  if (s.history.limit < 1 || s.history.limit > 200) {
    return refuse("history.limit must be between 1 and 200");
  }
  return {};
}

/// A day says by itself what a run phase would say.
Status check_day_alone(const Scenario& s) {
  const bool rates = s.sends.per_user_per_s > 0 || !s.ladder.rates_per_s.empty() ||
                     s.changes.any() || s.leaves.per_user_per_s > 0 || s.reads.every.ns > 0 ||
                     s.drops.users_share > 0 || s.presence.every.ns > 0 || s.history.every.ns > 0 ||
                     s.slow_readers.users_share > 0;
  if (rates) {
    return refuse(
        "a day excludes sends.rate, ladder, edits, deletions, reactions, leaves, reads, drops, "
        "presence, history and slow_readers: say it under day");
  }
  if (s.devices_per_user > 1) return refuse("a day excludes devices: set day.second_device");
  if (s.day.sends_per_hour > 0 && s.chats.direct_per_user + s.chats.groups + s.chats.rooms == 0) {
    return refuse("sends need chats: set chats.direct, chats.groups or chats.rooms");
  }
  return check_day(s.day, s.regions, s.fleet);
}

}  // namespace

Duration Scenario::run_length() const {
  if (ladder.rates_per_s.empty()) return duration;
  return ladder.hold * static_cast<int64_t>(ladder.rates_per_s.size());
}

std::vector<std::string> virtual_sections(const Scenario& scenario) {
  const VirtualSetup plain, &setup = scenario.virtual_setup;
  std::vector<std::string> sections;
  if (setup.processes != plain.processes || setup.cpu != plain.cpu ||
      setup.engines_per_process != plain.engines_per_process ||
      setup.account_check != plain.account_check) {
    sections.push_back("servers");
  }
  if (setup.client != plain.client || setup.peer != plain.peer || setup.mailbox != plain.mailbox) {
    sections.push_back("network");
  }
  if (setup.disk != plain.disk) sections.push_back("disk");
  if (!scenario.faults.empty()) sections.push_back("faults");
  return sections;
}

Status check_scenario(const Scenario& s) {
  if (s.name.empty()) return refuse("scenario needs a name");
  if (s.users < 1) return refuse("users must be at least 1");
  if (s.run_length().ns <= 0) return refuse("duration must be longer than 0s");
  if (s.quiet_max.ns <= 0 || s.quiet_max > kQuietMax) {
    return refuse("quiet must be longer than 0s and at most 60s");
  }
  if (s.late_after.ns <= 0) return refuse("late_after must be longer than 0s");
  if (!s.ladder.rates_per_s.empty() && s.sends.per_user_per_s > 0) {
    return refuse("ladder and sends.rate exclude each other: the ladder sets the rate");
  }
  for (const double rate : s.ladder.rates_per_s) {
    if (rate <= 0) return refuse("ladder.rates must be above 0");
  }
  if (Status chats = check_chats(s); !chats) return chats;
  if (Status devices = check_devices(s); !devices) return devices;
  if (Status setup = check_virtual_setup(s.virtual_setup); !setup) return setup;
  if (Status faults = check_faults(s.faults, s.virtual_setup.processes, s.run_length()); !faults) {
    return faults;
  }
  if (s.day.any()) {
    if (Status day = check_day_alone(s); !day) return day;
  } else if (s.users > kUsersMax) {
    return refuse("more than 10000000 users need a day: set day.sessions.per_day");
  }
  return check_loads(s);
}

}  // namespace chat::sim
