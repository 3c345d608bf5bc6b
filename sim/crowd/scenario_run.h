// ScenarioRun: one run of a scenario from its first phase to its verdict, in whatever world: ramp,
// run, quiet, audit. It owns plan, crowd, oracle, meter and result; a driver prepares users and
// chats in its world, lets the crowd enter, and says how chat logs are read. Thread rule: one
// thread.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "core/base/error.h"
#include "core/base/time.h"
#include "sim/crowd/audit.h"
#include "sim/crowd/crowd.h"
#include "sim/crowd/crowd_world.h"
#include "sim/crowd/meter.h"
#include "sim/crowd/roster.h"
#include "sim/crowd/usage.h"
#include "sim/oracle/oracle.h"
#include "sim/report/run_result.h"
#include "sim/scenario/scenario.h"
#include "sim/scenario/user_plan.h"

namespace chat::sim {

/// How far a run is; told once a second, and at each new phase.
struct RunProgress {
  std::string phase;
  Duration done;    ///< Of this phase.
  Duration length;  ///< 0 = not known.
  uint64_t users = 0;
  uint64_t users_asked = 0;
  double sent_per_s = 0;
  double delivered_per_s = 0;
  double response_p99_ms = 0;
  std::string detail;  ///< For phases without users.
};

using ProgressHandler = std::function<void(const RunProgress&)>;

/// Who watches a run, and may end it.
struct RunWatch {
  ProgressHandler progress;                 ///< May be empty.
  const std::atomic<bool>* stop = nullptr;  ///< Set: no more load; the result is partial.
};

/// The crowd's way into a world.
struct CrowdEntry {
  CrowdWorld& world;
  const UsageSource& usage;
  const Roster& roster;
  MemberChanges* members = nullptr;
  std::vector<std::string> tokens;
  std::vector<uint64_t> room_first_seqs;
};

class ScenarioRun {
 public:
  /// `scenario` outlives the run; `clock` is the world's.
  ScenarioRun(const Scenario& scenario, std::function<Instant()> clock, RunWatch watch);

  const RunPlan& plan() const { return plan_; }
  /// For what only the driver knows of the run.
  RunResult& result() { return result_; }
  Oracle& oracle() { return oracle_; }

  // -- the driver's own phases, before the ramp

  void begin_phase(const std::string& name, Duration length = {});
  void end_phase();
  /// Tells how far the run is, and what a phase without users is busy with.
  void report(const std::string& detail = "");
  /// As report(), if the last one is a second old.
  void report_now_and_then(const std::string& detail = "");

  // -- the shared ones, in this order

  /// What `entry` refers to outlives the run.
  void enter(CrowdEntry entry);
  /// Ramp, run and quiet phase.
  void play();
  void audit(const LogReader& read);
  /// `complete` adds what only the driver knows and gates may ask for; it may be empty.
  RunResult finish(const std::function<void(RunResult&)>& complete = {});

 private:
  void ramp();
  void run_phase();
  void quiet();
  bool is_stopped() const { return watch_.stop != nullptr && *watch_.stop; }
  /// Turns the world until `until`, or until `done` says so; asked about twenty times a second.
  template <class Done>
  void turn_until(Instant until, Done done);

  const Scenario& scenario_;
  const std::function<Instant()> clock_;
  const RunWatch watch_;
  RunPlan plan_;
  Oracle oracle_;
  RunResult result_;
  CrowdWorld* world_ = nullptr;
  const UsageSource* usage_ = nullptr;
  const Roster* roster_ = nullptr;
  std::optional<Crowd> crowd_;
  std::optional<Meter> meter_;
  Instant began_;                     ///< The ramp.
  uint64_t own_bytes_before_ = 0;     ///< Before there was a crowd.
  uint64_t server_bytes_before_ = 0;  ///< Before the ramp.
  uint64_t server_bytes_each_ = 0;

  std::string phase_;
  Instant phase_began_;
  Duration phase_length_;
  Instant reported_;
};

}  // namespace chat::sim
