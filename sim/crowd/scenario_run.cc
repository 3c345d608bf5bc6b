#include "sim/crowd/scenario_run.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace chat::sim {
namespace {

constexpr double kReconnectsPerSecond = 1'000;
constexpr Duration kSettled = milliseconds(1'500);  ///< Without a delivery, in the quiet phase.

/// What each of `users` made memory grow by.
uint64_t share_of(uint64_t after, uint64_t before, uint64_t users) {
  return after > before ? (after - before) / users : 0;
}

}  // namespace

ScenarioRun::ScenarioRun(const Scenario& scenario, std::function<Instant()> clock, RunWatch watch)
    : scenario_(scenario),
      clock_(std::move(clock)),
      watch_(std::move(watch)),
      plan_(scenario),
      oracle_({.late_after = scenario.late_after}) {
  result_.scenario = scenario.name;
  result_.description = scenario.description;
  result_.seed = scenario.seed;
  result_.users_asked = scenario.users;
}

// ---------------------------------------------------------------- phases

void ScenarioRun::begin_phase(const std::string& name, Duration length) {
  phase_ = name;
  phase_began_ = clock_();
  phase_length_ = length;
  report();
}

void ScenarioRun::end_phase() {
  const Instant now = clock_();
  // Phases before the ramp count backwards from it; their begin is set when it is known.
  result_.phases.push_back({phase_, phase_began_ - Instant{}, now - phase_began_});
}

void ScenarioRun::report(const std::string& detail) {
  reported_ = clock_();
  if (!watch_.progress) return;
  RunProgress progress{.phase = phase_,
                       .done = reported_ - phase_began_,
                       .length = phase_length_,
                       .users = crowd_ ? crowd_->connected() : 0,
                       .users_asked = scenario_.users,
                       .sent_per_s = 0,
                       .delivered_per_s = 0,
                       .response_p99_ms = 0,
                       .detail = detail};
  if (meter_) {
    const WindowStats& last = meter_->last_second();
    progress.sent_per_s = last.metric("rate.sent").value_or(0);
    progress.delivered_per_s = last.metric("rate.delivered").value_or(0);
    progress.response_p99_ms = percentile_ms(last.response, "p99").value_or(0);
  }
  watch_.progress(progress);
}

void ScenarioRun::report_now_and_then(const std::string& detail) {
  if (clock_() - reported_ >= seconds(1)) report(detail);
}

template <class Done>
void ScenarioRun::turn_until(Instant until, Done done) {
  constexpr Duration kAsk = milliseconds(50);
  Instant now = clock_();
  Instant ask_at = now;
  while (now < until) {
    if (now >= ask_at) {
      if (done()) return;
      ask_at = now + kAsk;
    }
    world_->turn(std::min(until, ask_at));
    now = clock_();
    report_now_and_then();
  }
}

// ---------------------------------------------------------------- the load

void ScenarioRun::enter(CrowdEntry entry) {
  world_ = &entry.world;
  usage_ = &entry.usage;
  roster_ = &entry.roster;
  result_.run_id = roster_->run_id();
  meter_.emplace(scenario_, *usage_);
  own_bytes_before_ = usage_->generator().own_bytes;
  crowd_.emplace(CrowdOptions{.scenario = scenario_,
                              .plan = plan_,
                              .roster = *roster_,
                              .world = *world_,
                              .members = entry.members,
                              .oracle = oracle_,
                              .tokens = std::move(entry.tokens),
                              .room_first_seqs = std::move(entry.room_first_seqs)});
  world_->attach(*crowd_, *meter_);
}

void ScenarioRun::play() {
  ramp();
  run_phase();
  quiet();
}

void ScenarioRun::ramp() {
  // Whole seconds, so that the seconds of the run phase are whole ones.
  const int64_t length_s = (scenario_.arrival.over.ns + seconds(1).ns - 1) / seconds(1).ns + 1;
  const Duration length = seconds(length_s);
  begin_phase("ramp", length);
  began_ = phase_began_;
  result_.phases.front().begin = result_.phases.front().begin - (began_ - Instant{});
  meter_->begin_ramp(began_, world_->wall());
  if (const auto sample = usage_->server()) server_bytes_before_ = sample->use.own_bytes;
  crowd_->begin_ramp(began_, *meter_);
  turn_until(began_ + length, [this] { return is_stopped(); });
  if (is_stopped()) crowd_->turn_away_late_comers();
  const uint64_t users = std::max<uint64_t>(crowd_->connected(), 1);
  result_.generator.bytes_each = share_of(usage_->generator().own_bytes, own_bytes_before_, users);
  const auto sample = usage_->server();
  server_bytes_each_ = sample ? share_of(sample->use.own_bytes, server_bytes_before_, users) : 0;
  end_phase();
}

void ScenarioRun::run_phase() {
  const Duration length = scenario_.run_length();
  begin_phase("run", length);
  meter_->begin_run(phase_began_);
  crowd_->begin_run(phase_began_);
  world_->begin_run();
  const auto over = [this] { return meter_->ladder_over() || is_stopped(); };
  if (scenario_.storm.at.ns > 0) {
    turn_until(phase_began_ + scenario_.storm.at, over);
    if (!over()) crowd_->begin_storm(clock_(), scenario_.storm.users_share);
  }
  turn_until(phase_began_ + length, over);
  meter_->end_run(clock_());
  if (is_stopped()) {
    meter_->invalidate(fmt::format("partial: stopped after {:.1f} s of the {:.1f} s of the run",
                                   (clock_() - phase_began_).seconds(), length.seconds()));
  }
  end_phase();
}

// Sends stop; what was due still goes out. Then every device reconnects, so that what it has comes
// from the log, and syncs to head.
void ScenarioRun::quiet() {
  begin_phase("quiet");
  const Instant end = phase_began_ + scenario_.quiet_max;
  crowd_->begin_quiet(phase_began_);
  turn_until(end,
             [this] { return crowd_->busy_users() == 0 && crowd_->member_changes_waiting() == 0; });
  turn_until(end, [this] { return clock_() - crowd_->last_delivery() >= kSettled; });
  const double spread_s = static_cast<double>(scenario_.devices()) / kReconnectsPerSecond;
  const Instant now = clock_();
  crowd_->reconnect_all(now, Duration{static_cast<int64_t>(spread_s * 1e9)});
  turn_until(end, [this] { return crowd_->users_behind() == 0; });
  const Instant live = clock_();
  turn_until(std::min(end, live + kSettled), [this, live] {
    return crowd_->users_behind() == 0 &&
           clock_() - std::max(crowd_->last_delivery(), live) >= kSettled;
  });
  if (const uint64_t behind = crowd_->users_behind(); behind > 0) {
    result_.notes.push_back(
        fmt::format("{} devices were not at head after the quiet phase", behind));
  }
  crowd_->stop();
  end_phase();
}

void ScenarioRun::audit(const LogReader& read) {
  begin_phase("audit");
  const uint32_t chats = plan_.population().chat_count();
  const auto progress = [&](uint32_t done) {
    report_now_and_then(fmt::format("logs {}/{}", done, chats));
  };
  const Status judged = audit_logs(read, *roster_, oracle_, crowd_->known_messages(), progress);
  if (judged) {
    result_.oracle = oracle_.finish();
  } else {
    // Without the truth there is nothing to judge; only what was counted here is told.
    meter_->invalidate("the chat logs could not be read: " + judged.error().text);
    result_.oracle.counts.sent = meter_->totals().sent;
    result_.oracle.counts.acked = meter_->totals().acked;
  }
  end_phase();
}

RunResult ScenarioRun::finish(const std::function<void(RunResult&)>& complete) {
  meter_->finish(result_);
  if (result_.server) result_.server->bytes_each = server_bytes_each_;
  for (size_t i = 1; i < result_.phases.size(); ++i) {
    RunPhase& phase = result_.phases[i];
    phase.begin = phase.begin - (began_ - Instant{});
  }
  if (crowd_->storm()) {
    result_.storm = crowd_->storm();
    result_.storm->at = result_.storm->at - (began_ - Instant{});
  }
  result_.traces = crowd_->traces();
  result_.notes.insert(result_.notes.end(), crowd_->notes().begin(), crowd_->notes().end());
  if (complete) complete(result_);
  result_.gates = meter_->gates().finish(
      [this](std::string_view name) { return result_.metric(name); }, result_.valid());
  return std::move(result_);
}

}  // namespace chat::sim
