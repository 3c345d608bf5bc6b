#include "tools/chatsim/virtual_command.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "sim/exact/exact_run.h"
#include "sim/fleet/fleet_run.h"
#include "tools/chatsim/interrupt.h"
#include "tools/chatsim/progress.h"

namespace chat::sim {
namespace {

Duration whole_seconds(double s) { return seconds(static_cast<int64_t>(s)); }

/// How far it is in real time; virtual time stands in the detail.
RunProgress progress_of(const FleetProgress& fleet) {
  RunProgress progress;
  progress.phase = "run";
  progress.done = whole_seconds(fleet.elapsed_s);
  progress.length = whole_seconds(fleet.elapsed_s + fleet.left_s);
  progress.detail =
      fmt::format("{:.1f} of {:.1f} h  {:.2f} M users online  {:.1f} M heartbeats/s",
                  fleet.done.seconds() / 3'600, fleet.length.seconds() / 3'600,
                  static_cast<double>(fleet.users_online) / 1e6, fleet.heartbeats_per_s / 1e6);
  return progress;
}

uint32_t threads_of(const CommandLine& line) {
  return line.threads.value_or(std::max(1u, std::thread::hardware_concurrency()));
}

/// Tells the progress of a run in virtual time some times per second of real time.
class ExactProgress {
 public:
  explicit ExactProgress(ProgressPrinter& printer) : printer_(printer) {}

  void operator()(RunProgress progress) {
    const auto now = Clock::now();
    if (progress.phase != phase_) {
      phase_ = progress.phase;
      phase_began_ = now;
    } else if (now - told_ < kInterval) {
      return;
    }
    told_ = now;
    const double real_s = std::chrono::duration<double>(now - phase_began_).count();
    const double done_s = progress.done.seconds();
    const double left_s = done_s > 0 ? (progress.length.seconds() - done_s) * real_s / done_s : 0;
    if (progress.detail.empty() && done_s > 0) {
      progress.detail = fmt::format(
          "{:.0f} of {:.0f} s  {} of {} users  {:.0f} msg/s  {:.1f} virtual seconds per second",
          done_s, std::max(progress.length.seconds(), done_s), progress.users, progress.users_asked,
          progress.sent_per_s, done_s / std::max(real_s, 1e-3));
    }
    progress.done = whole_seconds(real_s);
    if (progress.length.ns > 0) progress.length = whole_seconds(real_s + left_s);
    printer_.print(progress);
  }

 private:
  using Clock = std::chrono::steady_clock;
  static constexpr auto kInterval = std::chrono::milliseconds(250);

  ProgressPrinter& printer_;
  std::string phase_;
  Clock::time_point phase_began_, told_;
};

/// What --check-determinism found out about a run, told in its notes; a difference takes the place
/// of its result.
template <class Check>
Result<RunResult> checked(Result<RunResult> result, std::string_view same_note, Check check) {
  if (!result) return result;
  if (!result->valid()) {
    result->notes.push_back("not run again: the run is not valid");
    return result;
  }
  const Result<bool> same = check();
  if (!same) return same.error();
  result->notes.push_back(*same ? std::string(same_note) : "the second run was stopped");
  return result;
}

Result<RunResult> run_in_depth_exact(const CommandLine& line, const Scenario& scenario) {
  const Interrupt interrupt;
  ExactOptions options{.scenario = scenario, .progress = {}, .stop = &interrupt.flag()};
  ProgressPrinter printer(isatty(STDERR_FILENO) != 0);
  if (!line.quiet) options.progress = ExactProgress(printer);
  ExactTrace trace;
  auto result = run_exact(options, line.check_determinism ? &trace : nullptr);
  printer.end();
  if (!line.check_determinism) return result;
  result = checked(std::move(result), "run again: every byte and every figure was the same",
                   [&] { return check_exact_determinism(options, trace); });
  printer.end();
  return result;
}

Result<RunResult> run_in_depth_fleet(const CommandLine& line, const Scenario& scenario) {
  const Interrupt interrupt;
  FleetOptions options{.scenario = scenario, .threads = threads_of(line)};
  options.stop = &interrupt.flag();
  std::vector<uint64_t> digests;
  if (line.check_determinism) options.digests = &digests;
  ProgressPrinter printer(isatty(STDERR_FILENO) != 0);
  if (!line.quiet) {
    options.progress = [&](const FleetProgress& progress) { printer.print(progress_of(progress)); };
  }
  auto result = run_fleet(options);
  printer.end();
  if (!line.check_determinism) return result;
  return checked(std::move(result), "run again, on one thread more: every window was the same",
                 [&] { return check_fleet_determinism(options, digests); });
}

}  // namespace

Result<RunResult> run_virtual(const CommandLine& line, const Scenario& scenario) {
  const bool fleet = line.fleet || scenario.day.any();
  return fleet ? run_in_depth_fleet(line, scenario) : run_in_depth_exact(line, scenario);
}

}  // namespace chat::sim
