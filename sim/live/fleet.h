// Fleet: the devices of the simulated users on their real connections, in one epoll loop. It lets
// users arrive, executes their plans open loop, answers what the server sends, and tells oracle and
// meter all that happens. It never waits for anything but the loop, and bounds all that it keeps: a
// slow server does not make it grow. Thread rule: one thread.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/base/random.h"
#include "core/base/time.h"
#include "core/session/client_session.h"
#include "sim/live/endpoint.h"
#include "sim/live/known_messages.h"
#include "sim/live/live_user.h"
#include "sim/live/login_pool.h"
#include "sim/live/member_changer.h"
#include "sim/live/meter.h"
#include "sim/live/roster.h"
#include "sim/live/user_timers.h"
#include "sim/oracle/deletions.h"
#include "sim/oracle/oracle.h"
#include "sim/report/storm_stats.h"
#include "sim/scenario/user_plan.h"

namespace chat::v1 {
class Error;
class Event;
class HistoryPage;
class SendAck;
class ServerFrame;
class SyncEntry;
class SyncPage;
}  // namespace chat::v1

namespace chat::sim {

struct Outgoing;

struct FleetOptions {
  const Scenario& scenario;
  const RunPlan& plan;
  const Roster& roster;
  Target& target;  ///< Is read again when connections fail.
  Oracle& oracle;
  std::vector<std::string> tokens;        ///< By user; empty when users log in themselves.
  std::vector<uint64_t> room_first_seqs;  ///< By chat: where users begin to follow a room.
};

class Fleet {
 public:
  /// Errors: unavailable (the target does not resolve), rate_limited (no descriptors).
  static Result<std::unique_ptr<Fleet>> create(FleetOptions options);
  ~Fleet();
  Fleet(const Fleet&) = delete;
  Fleet& operator=(const Fleet&) = delete;

  // -- phases. `meter` outlives the fleet's last turn.

  void begin_ramp(Instant now, Meter& meter);
  /// Plans start to count.
  void begin_run(Instant now);
  /// The links of a share of all devices break at once; they come back as the protocol says.
  void begin_storm(Instant now, double users_share);
  /// No more planned actions, nobody reads slowly any more; everybody who is away comes back.
  void begin_quiet(Instant now);
  /// Every device reconnects once, spread over `spread`.
  void reconnect_all(Instant now, Duration spread);
  /// What is still waiting to be sent is given up; all connections close.
  void stop();

  /// One round of the loop: waits for events, at most until `until`.
  void turn(Instant until);

  // -- facts

  uint64_t connected() const { return connected_; }
  /// Changes of members that are not confirmed yet.
  uint64_t member_changes_waiting() const { return members_ ? members_->waiting() : 0; }
  /// Users with operations that have no answer yet or are not even written.
  uint64_t busy_users() const;
  /// Users whose device does not have everything yet.
  uint64_t users_behind() const;
  /// How the storm went, if there was one; `at` counts from the epoch of Instant.
  const std::optional<StormStats>& storm() const { return storm_; }
  /// When an event last reached a device.
  Instant last_delivery() const { return last_delivery_; }
  /// What the devices know of messages; null in a run that changes none.
  const KnownMessages* known_messages() const { return known_.get(); }
  /// What went wrong with connections, each once, the first ones only.
  const std::vector<std::string>& notes() const { return notes_; }

 private:
  class Observer;
  class Events;

  explicit Fleet(FleetOptions options);
  Status set_up();

  // A device is named by an index: first the first devices of all users, then the second ones, …
  uint32_t owner_of(uint32_t device) const { return device % options_.scenario.users; }

  // The life of connections (fleet.cc).
  void open_connection(uint32_t user);
  void on_open(uint32_t user);
  void on_message(uint32_t user, std::string_view payload);
  void on_lost(uint32_t user, CloseCode code, const std::string& refusal);
  void drop(uint32_t user, CloseCode code, Instant back_at);
  void settle(uint32_t user);
  void on_timer(uint32_t user);
  Instant deadline_of(const LiveUser& user) const;
  void handle_ready(uint32_t user, uint32_t events);
  void take_tokens();
  void look_for_target();
  void poll_for(uint32_t user);
  void note(const std::string& text);
  void note_storm(uint32_t device);
  size_t bytes_to_read(uint32_t device, bool failed);

  // What users do (fleet_actions.cc).
  void act(uint32_t user, const Action& action);
  void take_next_action(uint32_t user);
  void queue_operation(uint32_t user, const Action& action);
  void pump(uint32_t user);
  void pump_desk(uint32_t user, OperationDesk& desk);
  bool find_target(uint32_t user, DueOperation& due);
  void write_operation(uint32_t user, OperationDesk& desk, bool first);
  void read_chat(uint32_t user, uint32_t chat);
  void watch_presence(uint32_t user, const Action& action);
  void read_history(uint32_t user, const Action& action);
  void fetch_gap(uint32_t user);

  // What the server says (fleet_actions.cc).
  void on_welcome(uint32_t user);
  void on_event(uint32_t user, const v1::SyncEntry& entry, bool pushed);
  void judge_message(uint32_t user, const ChatId& chat, const v1::Event& event);
  void on_reset(uint32_t user, const v1::SyncPage& page);
  void on_frame(uint32_t user, const v1::ServerFrame& frame);
  void on_send_ack(uint32_t user, const v1::SendAck& ack);
  void on_error(uint32_t user, const v1::ServerFrame& frame);
  void on_history(uint32_t user, const v1::ServerFrame& frame);
  void judge_read(uint32_t user, const v1::Event& event);
  OpKey key_of(uint32_t user, uint32_t n) const;
  std::string text_of(uint32_t user, const OperationDesk& desk) const;
  Outgoing outgoing(uint32_t user, const OperationDesk& desk) const;
  OperationDesk* desk_with(uint32_t user, std::string_view key);
  uint32_t* last_seen(uint32_t user, const ChatId& chat);
  bool can_ask(const LiveUser& user) const;

  FleetOptions options_;
  ClientOptions client_options_[2];  ///< By Encoding.
  ConnectionOptions route_;
  bool spread_sources_ = false;  ///< Loopback: source addresses spread over 127.0.0.0/8.
  int epoll_fd_ = -1;
  std::unique_ptr<LoginPool> logins_;
  std::unique_ptr<MemberChanger> members_;  ///< When users leave groups.
  std::vector<LiveUser> users_;
  std::vector<uint32_t> last_seen_;  ///< By device number and membership: the last seq delivered.
  std::unique_ptr<KnownMessages> known_;
  Deletions deletions_;
  std::vector<char> scratch_;
  UserTimers timers_;
  Random random_;
  Meter* meter_ = nullptr;
  Instant now_;        ///< Of the last wake-up, or later.
  Instant looked_at_;  ///< When the target was last read.
  Instant run_began_ = kNever;
  Instant last_delivery_;
  uint64_t connected_ = 0;
  std::optional<StormStats> storm_;
  bool planned_ = false;  ///< Plans are being executed.
  std::vector<std::string> notes_;
};

}  // namespace chat::sim
