#include "tools/chatsim/scenario_file.h"

#include <vector>

#include "tools/chatsim/scenario_day.h"
#include "tools/chatsim/scenario_virtual.h"
#include "tools/common/yaml_reader.h"

namespace chat::sim {
namespace {

constexpr DurationRange kNotNegative{.min = {}, .max = seconds(30 * 24 * 3600)};
constexpr NumberRange kShare{.min = 0, .max = 1};
constexpr NumberRange kRate{.min = 0, .max = 10'000};
constexpr NumberRange kSkew{.min = 0, .max = 10};
constexpr IntRange kCount{.min = 0, .max = 10'000'000};
constexpr int64_t kUsersMax = 200'000'000;

void read_sizes(YamlMap& parent, std::string_view key, SizeRange& sizes) {
  YamlMap map = parent.map(key);
  map.integer("min", sizes.min, kCount);
  map.integer("max", sizes.max, kCount);
  map.number("skew", sizes.skew, kSkew);
}

void read_gates(YamlMap& map, std::string_view key, std::vector<Gate>& gates, bool windows) {
  std::vector<std::string> texts;
  map.texts(key, texts);
  for (const std::string& text : texts) {
    auto gate = Gate::parse(text);
    if (!gate) {
      map.fail(key, gate.error().text);
    } else if (gate->window() && !windows) {
      map.fail(key, "\"" + text + "\": a step is one window, leave out \"in every …\"");
    } else {
      gates.push_back(std::move(*gate));
    }
  }
}

void read_users(YamlMap& top, Scenario& scenario) {
  top.require("name");
  top.text("name", scenario.name);
  top.text("description", scenario.description);
  top.integer("seed", scenario.seed, {.min = 0});
  top.require("users");
  top.integer("users", scenario.users, {.min = 1, .max = kUsersMax});
  YamlMap arrival = top.map("arrival");
  std::string model = "poisson";
  arrival.choice("model", model, {"poisson", "constant"});
  scenario.arrival.model = model == "constant" ? Arrival::Model::constant : Arrival::Model::poisson;
  arrival.duration("over", scenario.arrival.over, kNotNegative);
  top.duration("duration", scenario.duration, kNotNegative);
  top.duration("quiet", scenario.quiet_max, kNotNegative);
  top.duration("late_after", scenario.late_after, kNotNegative);
  std::string login = "minted";
  top.choice("login", login, {"minted", "password"});
  scenario.login = login == "password" ? Scenario::Login::password : Scenario::Login::minted;
  top.number("json_share", scenario.json_share, kShare);
  top.map("devices").integer("per_user", scenario.devices_per_user, {.min = 1, .max = 8});
}

void read_chats(YamlMap& top, Scenario& scenario) {
  YamlMap chats = top.map("chats");
  YamlMap direct = chats.map("direct");
  direct.integer("per_user", scenario.chats.direct_per_user, kCount);
  YamlMap groups = chats.map("groups");
  groups.integer("count", scenario.chats.groups, kCount);
  read_sizes(groups, "size", scenario.chats.group_size);
  YamlMap rooms = chats.map("rooms");
  rooms.integer("count", scenario.chats.rooms, kCount);
  rooms.integer("size", scenario.chats.room_size, kCount);
  YamlMap activity = top.map("activity");
  activity.number("users_skew", scenario.activity.users_skew, kSkew);
  activity.number("chats_skew", scenario.activity.chats_skew, kSkew);
}

void read_loads(YamlMap& top, Scenario& scenario) {
  YamlMap sends = top.map("sends");
  sends.number("rate", scenario.sends.per_user_per_s, kRate);
  read_sizes(sends, "text", scenario.sends.text_bytes);
  sends.integer("queue_max", scenario.sends.queue_max, {.min = 1, .max = 100'000});
  YamlMap mix = sends.map("mix");
  mix.number("direct", scenario.sends.direct_share, {.min = 0});
  mix.number("group", scenario.sends.group_share, {.min = 0});
  mix.number("room", scenario.sends.room_share, {.min = 0});
  top.map("edits").number("rate", scenario.changes.edits_per_s, kRate);
  top.map("deletions").number("rate", scenario.changes.deletions_per_s, kRate);
  top.map("reactions").number("rate", scenario.changes.reactions_per_s, kRate);
  YamlMap leaves = top.map("leaves");
  leaves.number("rate", scenario.leaves.per_user_per_s, kRate);
  YamlMap out = leaves.map("away");
  out.duration("min", scenario.leaves.away_min, kNotNegative);
  out.duration("max", scenario.leaves.away_max, kNotNegative);
  YamlMap reads = top.map("reads");
  reads.duration("every", scenario.reads.every, kNotNegative);
  YamlMap drops = top.map("drops");
  drops.number("users", scenario.drops.users_share, kShare);
  drops.duration("every", scenario.drops.every, kNotNegative);
  YamlMap away = drops.map("away");
  away.duration("min", scenario.drops.away_min, kNotNegative);
  away.duration("max", scenario.drops.away_max, kNotNegative);
  drops.number("clean", scenario.drops.clean_share, kShare);
  YamlMap storm = top.map("storm");
  storm.duration("at", scenario.storm.at, kNotNegative);
  storm.number("users", scenario.storm.users_share, kShare);
  YamlMap slow = top.map("slow_readers");
  slow.number("users", scenario.slow_readers.users_share, kShare);
  slow.integer("bytes_per_s", scenario.slow_readers.bytes_per_s, {.min = 1, .max = 1'000'000'000});
  YamlMap presence = top.map("presence");
  presence.duration("every", scenario.presence.every, kNotNegative);
  presence.integer("users", scenario.presence.users, {.min = 1, .max = 500});
  YamlMap history = top.map("history");
  history.duration("every", scenario.history.every, kNotNegative);
  history.integer("limit", scenario.history.limit, {.min = 1, .max = 200});
}

void read_judgement(YamlMap& top, Scenario& scenario) {
  YamlMap ladder = top.map("ladder");
  ladder.numbers("rates", scenario.ladder.rates_per_s, {.min = 0.001, .max = 1e9});
  ladder.duration("hold", scenario.ladder.hold, {.min = seconds(2), .max = kNotNegative.max});
  read_gates(ladder, "pass", scenario.ladder.pass, false);
  YamlMap generator = top.map("generator");
  generator.duration("send_lag_p99", scenario.generator.send_lag_p99_max, kNotNegative);
  generator.duration("stall", scenario.generator.stall_max, kNotNegative);
  generator.number("cpu", scenario.generator.cpu_share_max, kShare);
  read_gates(top, "gates", scenario.gates, true);
}

Result<Scenario> read_scenario(YamlMap top) {
  Scenario scenario;
  read_users(top, scenario);
  read_chats(top, scenario);
  read_loads(top, scenario);
  read_day(top, scenario);
  read_virtual(top, scenario);
  read_judgement(top, scenario);
  if (Status status = top.finish(); !status) return status.error();
  if (Status status = check_scenario(scenario); !status) {
    return make_error(status.error().code, top.file() + ": " + status.error().text);
  }
  return scenario;
}

}  // namespace

Result<Scenario> parse_scenario(std::string_view text, const std::string& file) {
  auto top = YamlMap::parse(text, file);
  if (!top) return top.error();
  return read_scenario(*top);
}

Result<Scenario> load_scenario(const std::string& path) {
  auto top = YamlMap::load(path);
  if (!top) return top.error();
  return read_scenario(*top);
}

}  // namespace chat::sim
