// Verb: one command of chatctl as data: its words, arguments, options and the function that runs
// it. The table of all verbs is what the command line parser, the help texts, `chatctl commands`
// and the test that walks the tree read; nothing else knows which verbs there are.
// Thread rule: constants and plain values.
#pragma once

#include <boost/json/value.hpp>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/error.h"
#include "tools/chatctl/view.h"

namespace chat::ctl {

class AdminClient;

/// A positional word after the verb.
struct Argument {
  std::string_view name;
  std::string_view help;
  bool repeated = false;  ///< One or more; only the last one may be.
  bool optional = false;  ///< May be left out; only the last one may be.
};

/// An option with a value; flags without one do not exist, so that every verb parses alike.
struct Option {
  std::string_view name;
  std::string_view value_name;
  std::string_view help;
  std::string_view default_value = {};  ///< Empty = left out unless given.
};

/// What somebody typed, checked against the verb: all its arguments are there, all options known.
struct Invocation {
  std::vector<std::string> arguments;
  std::map<std::string, std::string, std::less<>> options;  ///< Defaults included.

  /// The option's value; empty when it was left out and has no default.
  std::string_view option(std::string_view name) const;
};

/// What a verb answers: the JSON of `-o json`, and how a table of it looks.
struct Answer {
  boost::json::value body;
  View view;
};

struct Verb {
  std::string_view path;  ///< "status", "user show".
  std::string_view summary;
  std::vector<Argument> arguments;
  std::vector<Option> options;
  Result<Answer> (*run)(AdminClient& admin, const Invocation& invocation);
  bool is_local = false;  ///< Answers without a chatd.
};

/// Every verb, in the order of the help text.
std::span<const Verb> all_verbs();

/// The verb of that path, or nullptr.
const Verb* find_verb(std::string_view path);

}  // namespace chat::ctl
