// Crowd: the devices of the simulated users, without a world. It lets users arrive, executes their
// plans open loop, answers what the server sends, and tells oracle and meter all that happens. It
// opens no socket and reads no clock: its CrowdWorld hands it what happens, and does what it asks
// for. It bounds all that it keeps: a slow server does not make it grow. Thread rule: one thread.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/random.h"
#include "core/base/time.h"
#include "core/session/client_session.h"
#include "sim/crowd/crowd_user.h"
#include "sim/crowd/crowd_world.h"
#include "sim/crowd/known_messages.h"
#include "sim/crowd/member_changes.h"
#include "sim/crowd/meter.h"
#include "sim/crowd/roster.h"
#include "sim/crowd/user_timers.h"
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

struct CrowdOptions {
  const Scenario& scenario;
  const RunPlan& plan;
  const Roster& roster;
  CrowdWorld& world;
  MemberChanges* members = nullptr;  ///< Only for scenarios in which users leave groups.
  Oracle& oracle;
  std::vector<std::string> tokens;        ///< By user; empty when users log in themselves.
  std::vector<uint64_t> room_first_seqs;  ///< By chat: where users begin to follow a room.
};

/// A device is named by an index: first the first devices of all users, then the second ones, …
class Crowd {
 public:
  /// What `options` refers to outlives the crowd.
  explicit Crowd(CrowdOptions options);
  Crowd(const Crowd&) = delete;
  Crowd& operator=(const Crowd&) = delete;

  // -- phases. `meter` outlives the crowd's last input.

  void begin_ramp(Instant now, Meter& meter);
  /// Plans start to count.
  void begin_run(Instant now);
  /// The links of a share of all devices break at once; they come back as the protocol says.
  void begin_storm(Instant now, double users_share);
  /// The links of a share of the welcomed devices break; the devices.
  std::vector<uint32_t> drop_links(Instant now, double share, Random chosen);
  /// Who has not been connected yet stays away: the run ends before they came.
  void turn_away_late_comers();
  /// No more planned actions; everybody who is away comes back.
  void begin_quiet(Instant now);
  /// Every device reconnects once, spread over `spread`.
  void reconnect_all(Instant now, Duration spread);
  /// What is still waiting to be sent is given up; all links close.
  void stop();

  // -- inputs of the world. After one or several of them for a device settle() sends what they
  // made; it must not be called from inside CrowdWorld::open(), send() or close().

  /// The device's link stands.
  void opened(Instant now, uint32_t device);
  /// One whole message came.
  void received(Instant now, uint32_t device, std::string_view payload);
  /// The link is gone, or was never made. `refusal`: why the server did not take it, else empty.
  void lost(Instant now, uint32_t device, CloseCode code, const std::string& refusal);
  /// What request_token() led to; settles by itself.
  void token_came(Instant now, uint32_t user, Result<std::string> token);
  /// Executes at most `max` of the timers that are due; settles by itself.
  void fire_timers(Instant now, int max);
  void settle(uint32_t device);
  /// The earliest timer; kNever when there is none.
  Instant next_deadline() const { return timers_.next(); }

  // -- facts

  uint32_t devices() const { return static_cast<uint32_t>(users_.size()); }
  uint32_t owner_of(uint32_t device) const { return device % options_.scenario.users; }
  /// When the last input came.
  Instant now() const { return now_; }
  uint64_t connected() const { return connected_; }
  /// Whether plans are being executed and the device has its Welcome.
  bool is_at_work(uint32_t device) const { return planned_ && users_[device].welcomed; }
  /// Changes of members that are not confirmed yet.
  uint64_t member_changes_waiting() const {
    return options_.members == nullptr ? 0 : options_.members->waiting();
  }
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
  /// What the devices did of their plans, by device.
  std::vector<ActionTrace> traces() const;
  /// What went wrong with connections, each once, the first ones only.
  const std::vector<std::string>& notes() const { return notes_; }

 private:
  class Observer;

  // The life of links (crowd.cc).
  void open_link(uint32_t user);
  std::optional<Duration> link_ended(uint32_t user, CloseCode code);
  void drop(uint32_t user, CloseCode code, Instant back_at);
  void on_timer(uint32_t user);
  Instant deadline_of(const CrowdUser& user) const;
  void request_token(uint32_t user);
  void note(const std::string& text);
  void note_storm(uint32_t device);

  // What users do (crowd_actions.cc).
  void take_due_actions(uint32_t user);
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

  // What the server says (crowd_actions.cc).
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
  bool can_ask(const CrowdUser& user) const;

  CrowdOptions options_;
  ClientOptions client_options_[2];  ///< By Encoding.
  const bool logs_in_;               ///< Users ask for their tokens.
  std::vector<CrowdUser> users_;
  std::vector<uint32_t> last_seen_;  ///< By device number and membership: the last seq delivered.
  std::unique_ptr<KnownMessages> known_;
  Deletions deletions_;
  UserTimers timers_;
  Random random_;
  Meter* meter_ = nullptr;
  Instant now_;  ///< Of the last input.
  Instant run_began_ = kNever;
  Instant last_delivery_;
  uint64_t connected_ = 0;
  std::optional<StormStats> storm_;
  bool planned_ = false;  ///< Plans are being executed.
  std::vector<std::string> notes_;
};

}  // namespace chat::sim
