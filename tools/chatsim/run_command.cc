#include "tools/chatsim/run_command.h"

#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>

#include "sim/live/live_run.h"
#include "sim/report/html_report.h"
#include "sim/report/result_json.h"
#include "sim/report/summary.h"
#include "sim/report/traces.h"
#include "tools/chatsim/interrupt.h"
#include "tools/chatsim/progress.h"
#include "tools/chatsim/scenario_file.h"
#include "tools/chatsim/virtual_command.h"

namespace chat::sim {
namespace {

ExitCode fail(const Error& error) {
  std::fprintf(stderr, "chatsim: %s\n", error.text.c_str());
  switch (error.code) {
    case ErrorCode::unavailable:
      return ExitCode::unreachable;
    case ErrorCode::invalid_argument:
    case ErrorCode::not_found:
    case ErrorCode::rate_limited:
      return ExitCode::usage;
    default:
      return ExitCode::invalid_run;
  }
}

Status write_file(const std::string& path, const std::string& text) {
  if (path == "-") {
    std::fwrite(text.data(), 1, text.size(), stdout);
    return {};
  }
  std::error_code ignored;
  std::filesystem::create_directories(std::filesystem::path(path).parent_path(), ignored);
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file << text;
  file.close();
  if (!file) return make_error(ErrorCode::invalid_argument, path + ": cannot be written");
  return {};
}

/// Shows before the run what would fail only after it.
Status check_writable(const std::string& path) {
  if (path.empty() || path == "-") return {};
  return write_file(path, "");
}

Status write_results(const CommandLine& line, const RunResult& result) {
  if (!line.json_path.empty()) {
    if (Status written = write_file(line.json_path, result_json(result)); !written) return written;
  }
  if (!line.traces_path.empty()) {
    const std::string text = traces_text(result.traces, result.users_asked);
    if (Status written = write_file(line.traces_path, text); !written) return written;
  }
  if (!line.report_path.empty()) return write_file(line.report_path, html_report(result));
  return {};
}

Result<RunResult> run_on_chatd(const CommandLine& line, Scenario scenario) {
  const Interrupt interrupt;
  LiveRunOptions options{
      .scenario = std::move(scenario), .target = line.target, .admin = line.admin, .watch = {}};
  ProgressPrinter printer(isatty(STDERR_FILENO) != 0);
  options.watch.stop = &interrupt.flag();
  if (!line.quiet) {
    options.watch.progress = [&](const RunProgress& progress) { printer.print(progress); };
  }
  auto result = run_live(options);
  printer.end();
  return result;
}

}  // namespace

ExitCode run_scenario(const CommandLine& line) {
  auto scenario = load_scenario(line.scenario_path);
  if (!scenario) return fail(scenario.error());
  if (Status applied = apply_overrides(line, *scenario); !applied) return fail(applied.error());
  if (scenario->day.any() && !line.in_virtual_time) {
    return fail(make_error(ErrorCode::invalid_argument,
                           line.scenario_path + ": a day runs in virtual time only: --virtual"));
  }
  for (const std::string* path : {&line.json_path, &line.report_path, &line.traces_path}) {
    if (Status writable = check_writable(*path); !writable) return fail(writable.error());
  }
  const auto result = line.in_virtual_time ? run_virtual(line, *scenario)
                                           : run_on_chatd(line, std::move(*scenario));
  if (!result) return fail(result.error());
  // With the JSON on standard output the summary must not mix into it.
  std::FILE* out = line.json_path == "-" ? stderr : stdout;
  std::fputs(summary(*result, isatty(fileno(out)) != 0).c_str(), out);
  if (Status written = write_results(line, *result); !written) return fail(written.error());
  if (!result->valid()) return ExitCode::invalid_run;
  return result->gates_passed() ? ExitCode::ok : ExitCode::gates_failed;
}

}  // namespace chat::sim
