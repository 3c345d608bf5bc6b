#include "tools/chatsim/virtual_command.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <thread>
#include <vector>

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

}  // namespace

Result<RunResult> run_virtual(const CommandLine& line, const Scenario& scenario) {
  if (!scenario.day.any()) {
    return make_error(ErrorCode::invalid_argument,
                      "virtual time needs a day: set day.sessions.per_day");
  }
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
  if (!result || !result->valid() || !line.check_determinism) return result;
  if (Status same = check_fleet_determinism(options, digests); !same) return same.error();
  result->notes.push_back("run again, on one thread more: every window was the same");
  return result;
}

}  // namespace chat::sim
