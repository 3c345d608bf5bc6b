// chatsim: lets simulated users chat on a real chatd and accounts for every delivery.
#include <cstdio>
#include <string>
#include <vector>

#include "tools/chatsim/command_line.h"
#include "tools/chatsim/exit_code.h"
#include "tools/chatsim/run_command.h"
#include "tools/chatsim/scenario_file.h"

namespace chat::sim {
namespace {

ExitCode check(const CommandLine& line) {
  const auto scenario = load_scenario(line.scenario_path);
  if (!scenario) {
    std::fprintf(stderr, "%s\n", scenario.error().text.c_str());
    return ExitCode::usage;
  }
  std::printf("%s: a right scenario of %u users\n", line.scenario_path.c_str(), scenario->users);
  return ExitCode::ok;
}

ExitCode run(const std::vector<std::string>& arguments) {
  const auto line = parse_command_line(arguments);
  if (!line) {
    std::fprintf(stderr, "chatsim: %s\n", line.error().text.c_str());
    return ExitCode::usage;
  }
  switch (line->verb) {
    case CommandLine::Verb::run:
      return run_scenario(*line);
    case CommandLine::Verb::check:
      return check(*line);
    case CommandLine::Verb::print:
      break;
  }
  std::fputs(line->text.c_str(), stdout);
  return ExitCode::ok;
}

}  // namespace
}  // namespace chat::sim

int main(int argc, char** argv) {
  return static_cast<int>(chat::sim::run(std::vector<std::string>(argv + 1, argv + argc)));
}
