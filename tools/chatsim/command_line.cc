#include "tools/chatsim/command_line.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/program_options.hpp>

#include "tools/common/quantity.h"

namespace chat::sim {
namespace {

namespace po = boost::program_options;

constexpr const char* kOverview =
    "chatsim lets simulated users chat on a real chatd and accounts for every delivery.\n"
    "Usage: chatsim VERB SCENARIO.yaml [option…]\n\n"
    "Verbs:\n"
    "  run     run a scenario against a chatd, or in virtual time\n"
    "  check   only validate a scenario file\n\n"
    "`chatsim VERB --help` tells the options. docs/scenarios.md explains scenario files.\n"
    "Exit codes: 0 ok, 1 gates failed, 2 usage or bad scenario, 3 invalid run,\n"
    "4 target unreachable.\n";

constexpr const char* kRunHelp =
    "chatsim run SCENARIO.yaml --target TARGET|--virtual [option…]\n"
    "  Runs a scenario: imports its users and chats, lets them connect and chat, and judges every\n"
    "  delivery by the chat logs.\n\n"
    "  --target TARGET    the ready file of a chatd, or its public URL\n"
    "  --virtual          in virtual time, without a chatd: real engines, modelled machines\n"
    "  --fleet            with --virtual: every user of a day, deliveries by arithmetic\n"
    "  --threads N        with --fleet: threads to use; results do not depend on them\n"
    "  --check-determinism  with --virtual: run it again and compare\n"
    "  --admin URL        chatd's admin port; a ready file names it already\n"
    "  --json FILE        the figures as JSON (reports/run.schema.json); - = standard output\n"
    "  --report FILE      the report as one HTML file\n"
    "  --traces FILE      what each device did: user, device, number of actions, their hash\n"
    "  --seed N           instead of the scenario's seed\n"
    "  --users N          instead of the scenario's users; groups and rooms shrink to fit\n"
    "  --rate R           instead of the scenario's messages per second and user\n"
    "  --duration TIME    instead of the scenario's length of the run phase\n"
    "  -q, --quiet        no progress, only the summary\n"
    "  -h, --help         this text\n\n"
    "Exit codes: 0 ok, 1 gates failed, 2 usage or bad scenario, 3 invalid run: chatsim itself was\n"
    "the limit, 4 target unreachable.\n";

constexpr const char* kCheckHelp =
    "chatsim check SCENARIO.yaml\n"
    "  Validates a scenario file and tells every mistake with its line.\n\n"
    "Exit codes: 0 right, 2 wrong.\n";

Error usage(std::string text) { return make_error(ErrorCode::invalid_argument, std::move(text)); }

po::options_description option_table() {
  po::options_description table;
  auto add = table.add_options();
  for (const char* name : {"target", "admin", "json", "report", "traces", "seed", "users", "rate",
                           "duration", "threads"}) {
    add(name, po::value<std::string>());
  }
  add("quiet,q", "");
  for (const char* name : {"virtual", "fleet", "check-determinism"}) add(name, "");
  add("help,h", "");
  add("version", "");
  add("words", po::value<std::vector<std::string>>());
  return table;
}

Status read_numbers(const po::variables_map& values, CommandLine& line) {
  const auto text_of = [&](const char* name) { return values[name].as<std::string>(); };
  const auto wrong = [](const char* name, const Error& error) {
    return usage(fmt::format("--{}: {}", name, error.text));
  };
  if (values.contains("seed")) {
    const auto seed = parse_integer(text_of("seed"));
    if (!seed) return wrong("seed", seed.error());
    line.seed = static_cast<uint64_t>(*seed);
  }
  if (values.contains("users")) {
    const auto users = parse_integer(text_of("users"));
    if (!users) return wrong("users", users.error());
    if (*users < 1 || *users > 200'000'000) return usage("--users: expected 1 … 200000000");
    line.users = static_cast<uint32_t>(*users);
  }
  if (values.contains("threads")) {
    const auto threads = parse_integer(text_of("threads"));
    if (!threads) return wrong("threads", threads.error());
    if (*threads < 1 || *threads > 1'024) return usage("--threads: expected 1 … 1024");
    line.threads = static_cast<uint32_t>(*threads);
  }
  if (values.contains("rate")) {
    const auto rate = parse_number(text_of("rate"));
    if (!rate) return wrong("rate", rate.error());
    line.rate = *rate;
  }
  if (values.contains("duration")) {
    const auto duration = parse_duration(text_of("duration"));
    if (!duration) return wrong("duration", duration.error());
    line.duration = *duration;
  }
  return {};
}

Status check_target(const CommandLine& line) {
  if (line.in_virtual_time) {
    if (line.target.empty() && line.admin.empty()) return {};
    return usage("--virtual runs without a chatd: leave out --target and --admin");
  }
  if (line.fleet || line.threads || line.check_determinism) {
    return usage("--fleet, --threads and --check-determinism need --virtual");
  }
  if (!line.target.empty()) return {};
  return usage("--target is missing: the ready file of a chatd, or its URL; or --virtual");
}

CommandLine printed(std::string text) {
  CommandLine line;
  line.text = std::move(text);
  return line;
}

Result<CommandLine> interpret(const po::variables_map& values) {
  std::vector<std::string> words;
  if (values.contains("words")) words = values["words"].as<std::vector<std::string>>();
  if (values.contains("version")) return printed("chatsim " CHAT_VERSION "\n");
  if (words.empty()) {
    if (values.contains("help")) return printed(kOverview);
    return usage(std::string("a verb is missing.\n") + kOverview);
  }
  const bool run = words[0] == "run";
  if (!run && words[0] != "check") {
    const std::vector<std::string> known{"run", "check"};
    return usage(
        fmt::format("\"{}\" is no verb of chatsim{}", words[0], suggestion(words[0], known)));
  }
  if (values.contains("help")) return printed(run ? kRunHelp : kCheckHelp);
  if (words.size() != 2) {
    return usage(fmt::format("chatsim {} needs exactly one scenario file", words[0]));
  }
  CommandLine line;
  line.verb = run ? CommandLine::Verb::run : CommandLine::Verb::check;
  line.scenario_path = words[1];
  line.quiet = values.contains("quiet");
  const std::pair<const char*, std::string*> texts[] = {{"target", &line.target},
                                                        {"admin", &line.admin},
                                                        {"json", &line.json_path},
                                                        {"report", &line.report_path},
                                                        {"traces", &line.traces_path}};
  for (const auto& [name, place] : texts) {
    if (values.contains(name)) *place = values[name].as<std::string>();
  }
  if (Status read = read_numbers(values, line); !read) return read.error();
  line.in_virtual_time = values.contains("virtual");
  line.fleet = values.contains("fleet");
  line.check_determinism = values.contains("check-determinism");
  if (run) {
    if (Status target = check_target(line); !target) return target.error();
  }
  return line;
}

}  // namespace

Result<CommandLine> parse_command_line(const std::vector<std::string>& arguments) {
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
    return usage(fmt::format("{}; `chatsim VERB --help` tells the options", error.what()));
  }
  return interpret(values);
}

Status apply_overrides(const CommandLine& line, Scenario& scenario) {
  if (line.seed) scenario.seed = *line.seed;
  if (line.rate) scenario.sends.per_user_per_s = *line.rate;
  if (line.duration) scenario.duration = *line.duration;
  if (line.users) {
    scenario.users = *line.users;
    ChatMix& chats = scenario.chats;
    chats.direct_per_user = std::min(chats.direct_per_user, scenario.users - 1);
    chats.group_size.max = std::min(chats.group_size.max, scenario.users);
    chats.group_size.min = std::min(chats.group_size.min, chats.group_size.max);
    chats.room_size = std::min(chats.room_size, scenario.users);
  }
  return check_scenario(scenario);
}

}  // namespace chat::sim
