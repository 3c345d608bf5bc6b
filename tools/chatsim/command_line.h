// The command line of chatsim: which verb, with what; and the help texts.
// Thread rule: pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/base/error.h"
#include "core/base/time.h"
#include "sim/scenario/scenario.h"

namespace chat::sim {

struct CommandLine {
  enum class Verb { run, check, print };

  Verb verb = Verb::print;
  std::string text;  ///< print: help or version.
  std::string scenario_path;
  std::string target;
  std::string admin;
  std::string json_path;    ///< Empty = none, "-" = standard output.
  std::string report_path;  ///< Empty = none.
  std::string traces_path;  ///< Empty = none.
  bool quiet = false;       ///< No progress.
  bool in_virtual_time = false;
  bool fleet = false;
  bool check_determinism = false;
  std::optional<uint32_t> threads;
  std::optional<uint64_t> seed;
  std::optional<uint32_t> users;
  std::optional<double> rate;
  std::optional<Duration> duration;
};

/// Reads the arguments after the program's name. Errors: invalid_argument, with the remedy.
Result<CommandLine> parse_command_line(const std::vector<std::string>& arguments);

/// Puts the overrides of the command line into the scenario. Groups and rooms that no longer fit
/// the users are made smaller. Errors: invalid_argument when the result makes no sense.
Status apply_overrides(const CommandLine& line, Scenario& scenario);

}  // namespace chat::sim
