// OptionTable: the name, meaning, parser and printer of each chatd option, in the order of --help.
// An entry refers into one ChatdOptions, which must outlive it. Thread rule: none of its own.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/error.h"
#include "tools/chatd/chatd_options.h"

namespace chat {

struct Option {
  std::string name;   ///< As in YAML: "data_dir", "policy.hello_timeout".
  std::string value;  ///< What --help calls the value: "DIR".
  std::string help;
  std::function<Status(const std::string&)> set;
  std::function<std::string()> get;

  std::string flag() const;         ///< "data-dir", "policy-hello-timeout".
  std::string environment() const;  ///< "CHATD_DATA_DIR", "CHATD_POLICY_HELLO_TIMEOUT".
};

std::vector<Option> option_table(ChatdOptions& options);

}  // namespace chat
