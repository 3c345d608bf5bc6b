#include "tools/chatctl/command_line.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/parse.hpp>
#include <boost/program_options.hpp>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <set>

#include "tools/common/quantity.h"

namespace chat::ctl {
namespace {

namespace po = boost::program_options;

constexpr std::string_view kGlobalHelp =
    "Options of every verb:\n"
    "  -o, --output table|json   what is printed; json is the whole answer of chatd\n"
    "  --admin URL               the admin port of chatd, as http://127.0.0.1:4001\n"
    "  --ready-file FILE         the ready file of a chatd on this machine, which names it\n"
    "  -h, --help                this text; after a verb, the verb's\n"
    "  --version                 the version\n"
    "Without --admin and --ready-file the environment variable CHATCTL_ADMIN is taken.\n"
    "Exit codes: 0 ok, 1 failed, 2 usage, 3 not found, 4 auth, 5 unreachable.\n";

Error usage(std::string text) { return make_error(ErrorCode::invalid_argument, std::move(text)); }

// ---------------------------------------------------------------- help

std::string synopsis(const Verb& verb) {
  std::string text = fmt::format("chatctl {}", verb.path);
  for (const Argument& argument : verb.arguments) {
    text += argument.optional ? fmt::format(" [{}]", argument.name)
                              : fmt::format(" {}{}", argument.name, argument.repeated ? "…" : "");
  }
  for (const Option& option : verb.options) {
    text += fmt::format(" [--{} {}]", option.name, option.value_name);
  }
  return text;
}

std::string verb_help(const Verb& verb) {
  std::string text = fmt::format("{}\n  {}\n", synopsis(verb), verb.summary);
  for (const Argument& argument : verb.arguments) {
    text += fmt::format("  {:<24}  {}\n", argument.name, argument.help);
  }
  for (const Option& option : verb.options) {
    text += fmt::format(
        "  {:<24}  {}{}\n", fmt::format("--{} {}", option.name, option.value_name), option.help,
        option.default_value.empty() ? std::string()
                                     : fmt::format(" (default {})", option.default_value));
  }
  return text + "\n" + std::string(kGlobalHelp);
}

/// The verbs whose path begins with `prefix`, one per line.
std::string verb_list(std::string_view prefix) {
  std::string text;
  for (const Verb& verb : all_verbs()) {
    if (verb.path.starts_with(prefix)) {
      text += fmt::format("  {:<14}  {}\n", verb.path, verb.summary);
    }
  }
  return text;
}

std::string overview() {
  return "chatctl looks at a chatd and operates it, through its admin port.\n"
         "Usage: chatctl VERB [argument…] [option…]\n\nVerbs:\n" +
         verb_list("") + "\n" + std::string(kGlobalHelp);
}

// ---------------------------------------------------------------- words to verb

struct Found {
  const Verb* verb = nullptr;
  size_t words = 0;  ///< How many words its path took.
};

Found find(const std::vector<std::string>& words) {
  if (words.size() >= 2) {
    if (const Verb* verb = find_verb(words[0] + " " + words[1])) return {verb, 2};
  }
  if (!words.empty()) {
    if (const Verb* verb = find_verb(words[0])) return {verb, 1};
  }
  return {};
}

Error unknown_verb(const std::vector<std::string>& words) {
  std::set<std::string> firsts, paths;
  for (const Verb& verb : all_verbs()) {
    paths.emplace(verb.path);
    firsts.emplace(verb.path.substr(0, verb.path.find(' ')));
  }
  if (firsts.contains(words[0])) {
    const std::string group = verb_list(words[0] + " ");
    return usage(fmt::format("{} is no verb of chatctl; there are:\n{}",
                             words.size() > 1 ? fmt::format("\"{} {}\"", words[0], words[1])
                                              : fmt::format("\"{}\" alone", words[0]),
                             group.substr(0, group.size() - 1)));
  }
  const std::vector<std::string> known(firsts.begin(), firsts.end());
  return usage(fmt::format("\"{}\" is no verb of chatctl{}; `chatctl --help` lists them", words[0],
                           suggestion(words[0], known)));
}

Status check_arguments(const Verb& verb, const std::vector<std::string>& arguments) {
  const bool is_open = !verb.arguments.empty() && verb.arguments.back().repeated;
  const bool is_last_optional = !verb.arguments.empty() && verb.arguments.back().optional;
  if (arguments.size() + (is_last_optional ? 1 : 0) < verb.arguments.size()) {
    const Argument& missing = verb.arguments[arguments.size()];
    return usage(
        fmt::format("{} is missing ({}). Usage: {}", missing.name, missing.help, synopsis(verb)));
  }
  if (arguments.size() > verb.arguments.size() && !is_open) {
    return usage(fmt::format("\"{}\" is too much. Usage: {}", arguments[verb.arguments.size()],
                             synopsis(verb)));
  }
  return {};
}

// ---------------------------------------------------------------- options

/// The options of all verbs at once: the parser has to know them before it knows the verb.
po::options_description option_table() {
  po::options_description table;
  auto add = table.add_options();
  add("output,o", po::value<std::string>()->default_value("table"));
  add("admin", po::value<std::string>());
  add("ready-file", po::value<std::string>());
  add("help,h", "");
  add("version", "");
  add("words", po::value<std::vector<std::string>>());
  std::set<std::string_view> known;
  for (const Verb& verb : all_verbs()) {
    for (const Option& option : verb.options) {
      if (known.insert(option.name).second) {
        add(std::string(option.name).c_str(), po::value<std::string>());
      }
    }
  }
  return table;
}

Result<po::variables_map> parse_options(const std::vector<std::string>& arguments) {
  const po::options_description table = option_table();
  po::positional_options_description words;
  words.add("words", -1);
  const int style = po::command_line_style::default_style ^ po::command_line_style::allow_guessing;
  po::variables_map values;
  try {
    po::store(
        po::command_line_parser(arguments).options(table).positional(words).style(style).run(),
        values);
  } catch (const po::error& error) {
    return usage(fmt::format("{}; `chatctl VERB --help` lists the options", error.what()));
  }
  return values;
}

/// The verb's options from what was parsed; an option of another verb is an error.
Result<std::map<std::string, std::string, std::less<>>> verb_options(
    const Verb& verb, const po::variables_map& values) {
  static const std::set<std::string> kGlobal{"output", "admin",   "ready-file",
                                             "help",   "version", "words"};
  std::map<std::string, std::string, std::less<>> options;
  for (const Option& option : verb.options) {
    if (!option.default_value.empty()) options.emplace(option.name, option.default_value);
  }
  for (const auto& [name, value] : values) {
    if (kGlobal.contains(name)) continue;
    const bool is_known = std::any_of(verb.options.begin(), verb.options.end(),
                                      [&](const Option& option) { return option.name == name; });
    if (!is_known) {
      return usage(fmt::format("`chatctl {}` has no option --{}. Usage: {}", verb.path, name,
                               synopsis(verb)));
    }
    options[name] = value.as<std::string>();
  }
  return options;
}

Result<std::string> url_of_ready_file(const std::string& path) {
  std::ifstream in(path);
  const std::string text{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
  boost::json::error_code no_json;
  const boost::json::value ready = boost::json::parse(text, no_json);
  const std::string url = no_json ? std::string() : text_of(find_field(ready, "admin"));
  if (!in || url.empty()) {
    return make_error(ErrorCode::unavailable,
                      path + " is no ready file: chatd writes it when it serves; is it running?");
  }
  return url;
}

Result<std::string> admin_url(const po::variables_map& values) {
  if (values.contains("admin")) return values["admin"].as<std::string>();
  if (values.contains("ready-file")) {
    return url_of_ready_file(values["ready-file"].as<std::string>());
  }
  const char* const url = std::getenv("CHATCTL_ADMIN");
  if (url && *url) return std::string(url);
  return usage("which chatd? Say --admin URL or --ready-file FILE, or set CHATCTL_ADMIN");
}

}  // namespace

Result<CommandLine> parse_command_line(const std::vector<std::string>& arguments) {
  const auto values = parse_options(arguments);
  if (!values) return values.error();
  const bool is_help = values->contains("help");
  std::vector<std::string> words;
  if (values->contains("words")) words = (*values)["words"].as<std::vector<std::string>>();
  CommandLine command;
  if (values->contains("version")) {
    command.text = fmt::format("chatctl {}\n", CHAT_VERSION);
    return command;
  }
  if (words.empty()) {
    if (!is_help) return usage("a verb is missing\n\n" + overview());
    command.text = overview();
    return command;
  }
  const Found found = find(words);
  if (is_help && (found.verb || words.size() == 1)) {
    const std::string group = found.words > 1 ? std::string() : verb_list(words[0] + " ");
    if (!found.verb && group.empty()) return unknown_verb(words);
    command.text = found.verb ? verb_help(*found.verb) : std::string();
    if (found.verb && !group.empty()) command.text += "\nSee also:\n";
    command.text += group;
    return command;
  }
  if (!found.verb) return unknown_verb(words);

  command.verb = found.verb;
  const std::string output = (*values)["output"].as<std::string>();
  if (output != "table" && output != "json") {
    return usage(fmt::format("-o {}: there are table and json", output));
  }
  command.output = output == "json" ? OutputFormat::json : OutputFormat::table;
  command.invocation.arguments.assign(words.begin() + static_cast<ptrdiff_t>(found.words),
                                      words.end());
  if (auto status = check_arguments(*found.verb, command.invocation.arguments); !status) {
    return status.error();
  }
  auto options = verb_options(*found.verb, *values);
  if (!options) return options.error();
  command.invocation.options = std::move(*options);
  if (!found.verb->is_local) {
    auto url = admin_url(*values);
    if (!url) return url.error();
    command.admin_url = std::move(*url);
  }
  return command;
}

}  // namespace chat::ctl
