#include "tools/chatd/chatd_options.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/program_options.hpp>
#include <map>
#include <set>

#include "tools/chatd/option_table.h"
#include "tools/common/quantity.h"
#include "tools/common/yaml_reader.h"

namespace chat {
namespace {

namespace po = boost::program_options;

constexpr std::string_view kPrefix = "CHATD_";
constexpr const char* kConfigVariable = "CHATD_CONFIG";

/// Problems of one source, one per line.
class Problems {
 public:
  void add(std::string_view text) {
    fmt::format_to(std::back_inserter(text_), "{}{}", text_.empty() ? "" : "\n", text);
  }
  Status status() const {
    if (text_.empty()) return {};
    return make_error(ErrorCode::invalid_argument, text_);
  }

 private:
  std::string text_;
};

po::options_description flags_of(const std::vector<Option>& table) {
  po::options_description flags;
  auto add = flags.add_options();
  add("config,c", po::value<std::string>());
  for (const char* name : {"check-config", "print-config", "help,h", "version"}) add(name, "");
  for (const Option& option : table) add(option.flag().c_str(), po::value<std::string>());
  return flags;
}

Result<po::variables_map> parse_flags(const std::vector<std::string>& arguments,
                                      const std::vector<Option>& table) {
  const po::options_description flags = flags_of(table);
  std::vector<std::string> known{"config", "check-config", "print-config", "help", "version"};
  for (const Option& option : table) known.push_back(option.flag());
  po::variables_map given;
  try {
    // Without guessing: an abbreviation that works today would break with the next option.
    const int style =
        po::command_line_style::default_style & ~po::command_line_style::allow_guessing;
    const po::positional_options_description none;
    auto parsed =
        po::command_line_parser(arguments).options(flags).positional(none).style(style).run();
    // A flag that is repeated: the last one wins, as the last source does.
    std::set<std::string> seen;
    for (auto option = parsed.options.rbegin(); option != parsed.options.rend(); ++option) {
      if (!seen.insert(option->string_key).second) option->string_key.clear();
    }
    std::erase_if(parsed.options, [](const auto& option) { return option.string_key.empty(); });
    po::store(parsed, given);
  } catch (const po::unknown_option& error) {
    std::string name = error.get_option_name();
    name.erase(0, name.find_first_not_of('-'));
    return make_error(ErrorCode::invalid_argument,
                      fmt::format("--{}: unknown flag{}", name, suggestion(name, known)));
  } catch (const po::error& error) {
    return make_error(ErrorCode::invalid_argument, error.what());
  }
  return given;
}

Status read_file(const std::string& path, std::vector<Option>& table) {
  auto file = YamlMap::load(path);
  if (!file) return file.error();
  std::map<std::string, YamlMap> sections;
  for (Option& option : table) {
    const size_t dot = option.name.find('.');
    YamlMap map = *file;
    if (dot != std::string::npos) {
      const std::string section = option.name.substr(0, dot);
      map = sections.try_emplace(section, file->map(section)).first->second;
    }
    const std::string key = dot == std::string::npos ? option.name : option.name.substr(dot + 1);
    if (map.kind(key) == YamlKind::absent) continue;
    std::string value;
    map.text(key, value);
    if (map.kind(key) != YamlKind::scalar) continue;  // text() has told it.
    if (const Status set = option.set(value); !set) map.fail(key, set.error().text);
  }
  return file->finish();
}

Status read_environment(const std::vector<std::string>& environment, std::vector<Option>& table) {
  std::vector<std::string> known{kConfigVariable};
  for (const Option& option : table) known.push_back(option.environment());
  Problems problems;
  for (const std::string& entry : environment) {
    if (entry.compare(0, kPrefix.size(), kPrefix) != 0) continue;
    const size_t equals = std::min(entry.find('='), entry.size());
    const std::string name = entry.substr(0, equals);
    const std::string value = entry.substr(std::min(equals + 1, entry.size()));
    if (name == kConfigVariable) continue;
    const auto option = std::find_if(table.begin(), table.end(), [&name](const Option& candidate) {
      return candidate.environment() == name;
    });
    if (option == table.end()) {
      problems.add(fmt::format("{}: unknown variable{}", name, suggestion(name, known)));
    } else if (const Status set = option->set(value); !set) {
      problems.add(fmt::format("{}: {}", name, set.error().text));
    }
  }
  return problems.status();
}

Status apply_flags(const po::variables_map& given, std::vector<Option>& table) {
  Problems problems;
  for (Option& option : table) {
    if (given.count(option.flag()) == 0) continue;
    if (const Status set = option.set(given[option.flag()].as<std::string>()); !set) {
      problems.add(fmt::format("--{}: {}", option.flag(), set.error().text));
    }
  }
  return problems.status();
}

Status check_together(const ChatdOptions& options) {
  Problems problems;
  if (options.data_dir.empty()) {
    problems.add("data_dir: is missing (--data-dir DIR, or data_dir in the configuration file)");
  }
  const EnginePolicy& policy = options.policy;
  if (policy.event_bytes_max < policy.message_bytes_max + 1'024) {
    problems.add("policy.event_bytes_max: must be at least 1KiB above policy.message_bytes_max");
  }
  if (policy.frame_bytes_max < policy.message_bytes_max + 1'024) {
    problems.add("policy.frame_bytes_max: must be at least 1KiB above policy.message_bytes_max");
  }
  return problems.status();
}

std::string config_file_of(const po::variables_map& given,
                           const std::vector<std::string>& environment) {
  if (given.count("config") != 0) return given["config"].as<std::string>();
  const std::string start = std::string(kConfigVariable) + "=";
  for (const std::string& entry : environment) {
    if (entry.compare(0, start.size(), start) == 0) return entry.substr(start.size());
  }
  return {};
}

ChatdAction action_of(const po::variables_map& given) {
  if (given.count("help") != 0) return ChatdAction::help;
  if (given.count("version") != 0) return ChatdAction::version;
  if (given.count("print-config") != 0) return ChatdAction::print_config;
  if (given.count("check-config") != 0) return ChatdAction::check_config;
  return ChatdAction::run;
}

}  // namespace

HostPort ChatdOptions::admin_address() const {
  if (admin_listen) return *admin_listen;
  return {"127.0.0.1", listen.port == 0 ? uint16_t{0} : static_cast<uint16_t>(listen.port + 1)};
}

Result<ChatdCommand> read_chatd_command(const std::vector<std::string>& arguments,
                                        const std::vector<std::string>& environment) {
  ChatdCommand command;
  std::vector<Option> table = option_table(command.options);
  const auto given = parse_flags(arguments, table);
  if (!given) return given.error();
  command.action = action_of(*given);
  if (command.action == ChatdAction::help || command.action == ChatdAction::version) return command;
  command.config_file = config_file_of(*given, environment);
  if (!command.config_file.empty()) {
    if (const Status read = read_file(command.config_file, table); !read) return read.error();
  }
  if (const Status read = read_environment(environment, table); !read) return read.error();
  if (const Status read = apply_flags(*given, table); !read) return read.error();
  if (const Status checked = check_together(command.options); !checked) return checked.error();
  return command;
}

std::string to_yaml(const ChatdOptions& options) {
  ChatdOptions copy = options;
  std::string text, section;
  for (const Option& option : option_table(copy)) {
    const std::string value = option.get();
    if (value.empty()) continue;
    std::string key = option.name, indent;
    if (const size_t dot = key.find('.'); dot != std::string::npos) {
      if (key.substr(0, dot) != section) text += fmt::format("{}:\n", section = key.substr(0, dot));
      key.erase(0, dot + 1);
      indent = "  ";
    }
    std::string quoted;
    for (char c : value) quoted += c == '"' || c == '\\' ? std::string{'\\', c} : std::string{c};
    text += fmt::format("{}{}: \"{}\"\n", indent, key, quoted);
  }
  return text;
}

std::string chatd_help() {
  ChatdOptions defaults;
  std::string text =
      "chatd: a chat server.\n\n"
      "usage: chatd --data-dir DIR [--config FILE] [--check-config | --print-config] [flag…]\n\n"
      "Each option is a key of the YAML file, a variable CHATD_KEY and a flag; later ones win.\n"
      "SIGTERM and SIGINT end in order, SIGHUP reads log_level again.\n\n"
      "  -c, --config FILE        a YAML file with the keys below (or CHATD_CONFIG)\n"
      "      --check-config       only check the configuration\n"
      "      --print-config       print the configuration that would be used\n"
      "  -h, --help, --version\n\n";
  for (const Option& option : option_table(defaults)) {
    const std::string value = option.get();
    const std::string shown = value.empty() ? "" : fmt::format(" [{}]", value);
    text += fmt::format("      --{} {}\n            {}{}\n", option.flag(), option.value,
                        option.help, shown);
  }
  text +=
      "\nexit codes: 0 ended in order, 1 failed while running, 2 wrong configuration,\n"
      "3 the data directory cannot be used, 4 an address cannot be listened on.\n";
  return text;
}

}  // namespace chat
