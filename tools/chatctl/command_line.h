// The command line of chatctl: which verb, with what, printed how, against which chatd; and the
// help texts, made from the table of verbs.
// Thread rule: pure functions, but for reading the ready file and the environment.
#pragma once

#include <string>
#include <string_view>

#include "core/base/error.h"
#include "tools/chatctl/verb.h"

namespace chat::ctl {

enum class OutputFormat { table, json };

struct CommandLine {
  const Verb* verb = nullptr;  ///< nullptr: print `text` and be done.
  Invocation invocation;
  OutputFormat output = OutputFormat::table;
  std::string admin_url;  ///< Empty for verbs that need no chatd.
  std::string text;       ///< Help or version.
};

/// Reads the arguments after the program's name. Errors: invalid_argument, with the remedy.
Result<CommandLine> parse_command_line(const std::vector<std::string>& arguments);

}  // namespace chat::ctl
