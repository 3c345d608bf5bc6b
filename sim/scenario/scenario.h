// Scenario: everything that a load run is asked to do, as plain values with their defaults.
// It is the meaning of a scenario file; tools/chatsim reads the YAML form into it,
// docs/scenarios.md explains every key. It holds no state of a run and draws nothing. Thread rule:
// plain value.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/base/error.h"
#include "core/base/time.h"
#include "sim/scenario/day.h"
#include "sim/scenario/fault_plan.h"
#include "sim/scenario/gate.h"
#include "sim/scenario/virtual_setup.h"

namespace chat::sim {

/// Shortest text of a message: it carries the stamps by which deliveries are matched to sends.
inline constexpr uint32_t kTextBytesMin = 64;

/// How users arrive during the ramp.
struct Arrival {
  enum class Model : uint8_t { poisson, constant };
  Model model = Model::poisson;
  Duration over = seconds(10);
};

/// Sizes between min and max, both included. `skew` 0 is uniform; larger prefers small sizes (Zipf
/// exponent).
struct SizeRange {
  uint32_t min = 0;
  uint32_t max = 0;
  double skew = 0;
};

/// Who talks with whom.
struct ChatMix {
  uint32_t direct_per_user = 0;  ///< Every user has this many direct chats.
  uint32_t groups = 0;
  SizeRange group_size{.min = 3, .max = 20};
  uint32_t rooms = 0;
  uint32_t room_size = 0;
};

/// Who is busy: Zipf exponents, 0 = all alike.
struct Activity {
  double users_skew = 0;  ///< Over users: how unevenly sends are spread.
  double chats_skew = 0;  ///< Over a user's chats of one kind.
};

/// Open loop: sends are due by plan, whatever the server does.
struct SendLoad {
  double per_user_per_s = 0;  ///< Mean over all users.
  SizeRange text_bytes{.min = 64, .max = 200};
  uint32_t queue_max = 64;  ///< Sends that wait for a user's answer; more are counted not_sent.
  double direct_share =
      1;  ///< Relative weights of the kinds; kinds that a user lacks are left out.
  double group_share = 1;
  double room_share = 1;
};

/// Changes of messages: open loop as sends, but of a user's own recent messages, or of one that it
/// sees. Rates of every user that sends; 0 = never.
struct ChangeLoad {
  double edits_per_s = 0;
  double deletions_per_s = 0;
  double reactions_per_s = 0;
  bool any() const { return edits_per_s > 0 || deletions_per_s > 0 || reactions_per_s > 0; }
};

/// A user is taken out of one of its groups, and added again.
struct LeaveLoad {
  double per_user_per_s = 0;  ///< Of every user in a group; 0 = never.
  Duration away_min = seconds(1);
  Duration away_max = seconds(5);
};

/// A user opens one of its chats and reads it to the end. `every` 0 = never.
struct ReadLoad {
  Duration every;  ///< Mean gap per user.
};

/// The mobile profile: links that break and come back.
struct DropLoad {
  double users_share = 0;        ///< 0..1 of the users are mobile.
  Duration every = seconds(20);  ///< Mean time between two drops of one user.
  Duration away_min = seconds(1);
  Duration away_max = seconds(5);
  double clean_share =
      0;  ///< 0..1 of the drops close the WebSocket properly, the others just vanish.
};

/// At one moment the links of users break, without a word; they come back as the protocol says.
/// `at` 0 = never.
struct Storm {
  Duration at;             ///< After the run phase began.
  double users_share = 1;  ///< 0..1 of the users.
};

/// Users whose devices read only so many bytes per second, and never send.
struct SlowReaders {
  double users_share = 0;  ///< 0..1 of the users.
  uint32_t bytes_per_s = 1'024;
};

/// A user looks up the presence of members of its chats. `every` 0 = never.
struct PresenceLoad {
  Duration every;
  uint32_t users = 20;  ///< Asked for in one query, 500 at most.
};

/// A user scrolls back. `every` 0 = never.
struct HistoryLoad {
  Duration every;
  uint32_t limit = 50;  ///< Events per read, 200 at most.
};

/// A staircase of total message rates instead of one rate; stops after the first step that fails.
struct Ladder {
  std::vector<double> rates_per_s;  ///< Over all users; empty = no ladder.
  Duration hold = seconds(10);      ///< Length of a step; the run lasts rates × hold.
  std::vector<Gate> pass;           ///< What a step must fulfil, besides a generator that kept up.
};

/// When a run says of itself that its figures mean nothing.
struct GeneratorBounds {
  Duration send_lag_p99_max =
      milliseconds(50);  ///< Own delay between a send that is due and its write.
  Duration stall_max = milliseconds(1'000);  ///< The loop stood still, or the clock jumped.
  double cpu_share_max = 0.97;               ///< Of one core, in more than a fifth of the seconds.
};

struct Scenario {
  enum class Login : uint8_t { minted, password };

  std::string name;
  std::string description;
  uint64_t seed = 1;
  uint32_t users = 0;
  uint32_t devices_per_user = 1;  ///< The first one sends; all receive, and drop if mobile.
  Arrival arrival;
  Duration duration = seconds(60);  ///< Of the run phase; a ladder sets its own.
  Duration quiet_max = seconds(60);
  Duration late_after = seconds(1);
  Login login = Login::minted;
  double json_share = 0;  ///< 0..1 of the users speak chat.v1.json, the others chat.v1.proto.
  ChatMix chats;
  Activity activity;
  SendLoad sends;
  ChangeLoad changes;
  LeaveLoad leaves;
  ReadLoad reads;
  DropLoad drops;
  Storm storm;
  SlowReaders slow_readers;
  PresenceLoad presence;
  HistoryLoad history;
  Ladder ladder;
  std::vector<Region> regions;
  Day day;  ///< Instead of arrival and of the loads by rates.
  FleetServers fleet;
  VirtualSetup virtual_setup;  ///< Of depth exact; live runs leave it out, as they do faults.
  std::vector<FaultRule> faults;
  GeneratorBounds generator;
  std::vector<Gate> gates;

  /// Length of the run phase.
  Duration run_length() const;
  /// Devices of all users.
  uint32_t devices() const { return users * devices_per_user; }
};

/// The sections of the file that say something which only a run in virtual time does: "servers",
/// "network", …; a live run leaves them out.
std::vector<std::string> virtual_sections(const Scenario& scenario);

/// Checks what no single value shows. Errors: invalid_argument that names the key and the remedy.
Status check_scenario(const Scenario& scenario);

}  // namespace chat::sim
