#include "sim/crowd/meter.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>

namespace chat::sim {
namespace {

constexpr int64_t kClockJumpMs = 1'000;
constexpr Duration kCutAfter = milliseconds(200);
constexpr int kSaturatedShare = 5;  ///< More than every fifth second.

int64_t wall_offset(Instant now, WallTime wall) { return wall.ms - now.ns / 1'000'000; }

}  // namespace

Meter::Meter(const Scenario& scenario, const UsageSource& usage)
    : scenario_(scenario), usage_(usage), gates_(scenario.gates) {}

void Meter::begin_ramp(Instant now, WallTime wall) {
  second_begin_ = now;
  own_before_ = usage_.generator();
  own_cpu_at_begin_ = own_before_.cpu_s;
  server_before_ = server_at_begin_ = usage_.server();
  wall_offset_ms_ = wall_offset(now, wall);
}

void Meter::tick(Instant now, WallTime wall, uint64_t connected) {
  users_peak_ = std::max(users_peak_, connected);
  while (now >= next_tick()) end_second(next_tick(), connected);
  check_clock(now, wall);
}

void Meter::check_clock(Instant now, WallTime wall) {
  const int64_t offset = wall_offset(now, wall);
  const int64_t jump_ms = offset - wall_offset_ms_;
  wall_offset_ms_ = offset;
  if (!run_over_ && std::abs(jump_ms) >= kClockJumpMs) {
    invalidate(fmt::format("the clock of this machine jumped by {:.1f} s",
                           static_cast<double>(jump_ms) / 1e3));
  }
}

void Meter::end_second(Instant end, uint64_t connected) {
  second_.length = end - second_begin_;
  second_.users_connected = connected;
  const ProcessUse own = usage_.generator();
  const ProcessSample generator{.cpu_s = own.cpu_s - own_before_.cpu_s, .rss_bytes = own.rss_bytes};
  own_before_ = own;
  own_rss_max_ = std::max(own_rss_max_, own.rss_bytes);
  std::optional<ProcessSample> server;
  const auto sample = usage_.server();
  if (sample && (!server_before_ || sample->number != server_before_->number)) {
    const double before = server_before_ ? server_before_->use.cpu_s : 0;
    server = ProcessSample{.cpu_s = sample->use.cpu_s - before, .rss_bytes = sample->use.rss_bytes};
    server_before_ = sample;
    if (!server_at_begin_) server_at_begin_ = sample;
    server_rss_max_ = std::max(server_rss_max_, sample->use.rss_bytes);
  }
  series_.add(second_, generator, server);
  if (running_) {
    ++run_seconds_;
    if (generator.cpu_s > scenario_.generator.cpu_share_max) ++saturated_seconds_;
    totals_.merge(second_);
    gates_.add_second(second_);
    if (!scenario_.ladder.rates_per_s.empty()) {
      step_.merge(second_);
      step_generator_cpu_s_ += generator.cpu_s;
      step_server_cpu_s_ += server ? server->cpu_s : 0;
      if (step_.length >= scenario_.ladder.hold) end_step();
    }
  } else {
    // What arrives after the run was sent in it; what is counted before belongs to no rate.
    totals_.service.merge(second_.service);
    totals_.response.merge(second_.response);
    totals_.reconnects += second_.reconnects;
    totals_.errors += second_.errors;
    totals_.rate_limited += second_.rate_limited;
    totals_.go_aways += second_.go_aways;
  }
  last_ = second_;
  second_.clear();
  second_begin_ = end;
}

void Meter::end_step() {
  const size_t index = steps_.size();
  if (index >= scenario_.ladder.rates_per_s.size() || ladder_failed_) return;
  LadderStep step;
  step.rate_per_s = scenario_.ladder.rates_per_s[index];
  step.stats = step_;
  step.generator_cpu_share = step_generator_cpu_s_ / step_.length.seconds();
  step.server_cpu_share = step_server_cpu_s_ / step_.length.seconds();
  const double lag_ms = percentile_ms(step_.lag, "p99").value_or(0);
  step.valid = milliseconds(static_cast<int64_t>(lag_ms)) <= scenario_.generator.send_lag_p99_max &&
               step.generator_cpu_share <= scenario_.generator.cpu_share_max;
  const GateBoard board(scenario_.ladder.pass);
  step.gates = board.finish([&](std::string_view name) { return step_.metric(name); }, true);
  step.passed = std::all_of(step.gates.begin(), step.gates.end(),
                            [](const GateResult& gate) { return gate.passed; });
  ladder_failed_ = !step.valid || !step.passed;
  steps_.push_back(std::move(step));
  step_.clear();
  step_generator_cpu_s_ = step_server_cpu_s_ = 0;
}

void Meter::begin_run(Instant now) {
  cut_second(now);
  running_ = true;
}

void Meter::end_run(Instant now) {
  cut_second(now);
  running_ = false;
  run_over_ = true;
}

// Phases usually change some milliseconds into a second; that second then belongs to the new one.
void Meter::cut_second(Instant now) {
  if (now - second_begin_ > kCutAfter) end_second(now, last_.users_connected);
}

void Meter::note_wake_up(Duration late) {
  if (run_over_ || late <= scenario_.generator.stall_max) return;
  invalidate(fmt::format("chatsim stood still for {:.1f} s", late.seconds()));
}

void Meter::invalidate(const std::string& reason) {
  const auto& known = invalid_reasons_;
  if (std::find(known.begin(), known.end(), reason) == known.end() && known.size() < 20) {
    invalid_reasons_.push_back(reason);
  }
}

void Meter::judge_generator() {
  // A ladder climbs until something gives; its steps are judged one by one.
  if (!scenario_.ladder.rates_per_s.empty()) return;
  const auto lag_ms = percentile_ms(totals_.lag, "p99");
  const double bound_ms = static_cast<double>(scenario_.generator.send_lag_p99_max.ns) / 1e6;
  if (lag_ms && *lag_ms > bound_ms) {
    invalidate(fmt::format("chatsim wrote its sends {:.0f} ms late (p99; allowed: {:.0f} ms)",
                           *lag_ms, bound_ms));
  }
  if (saturated_seconds_ * kSaturatedShare > run_seconds_) {
    invalidate(fmt::format("chatsim used up its core in {} of {} seconds", saturated_seconds_,
                           run_seconds_));
  }
}

void Meter::finish(RunResult& result) {
  judge_generator();
  result.invalid_reasons = invalid_reasons_;
  result.users_peak = users_peak_;
  result.totals = totals_;
  result.catch_up = catch_up_;
  result.series = series_;
  result.ladder = steps_;
  result.generator.cpu_s = own_before_.cpu_s - own_cpu_at_begin_;
  result.generator.rss_bytes = own_rss_max_;
  const auto sample = usage_.server();
  if (!sample) return;
  result.server_restarts = sample->restarts;
  result.server = SideUse{};
  result.server->cpu_s = sample->use.cpu_s - (server_at_begin_ ? server_at_begin_->use.cpu_s : 0);
  result.server->rss_bytes = server_rss_max_;
}

}  // namespace chat::sim
