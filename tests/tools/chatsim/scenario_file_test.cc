#include "tools/chatsim/scenario_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <regex>
#include <set>
#include <sstream>

namespace chat::sim {
namespace {

namespace json = boost::json;
using ::testing::HasSubstr;

const std::filesystem::path kRoot = CHAT_SOURCE_DIR;

std::string text_of(const std::filesystem::path& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::string refusal_of(const std::string& text) {
  const auto scenario = parse_scenario(text, "s.yaml");
  return scenario ? "accepted" : scenario.error().text;
}

constexpr const char* kSmall = "name: small\nusers: 10\n";

TEST(ScenarioFile, NeedsNoMoreThanANameAndUsers) {
  const auto scenario = parse_scenario(kSmall, "s.yaml");
  ASSERT_TRUE(scenario) << scenario.error().text;
  EXPECT_EQ(scenario->users, 10u);
  EXPECT_EQ(scenario->duration, seconds(60));
  EXPECT_THAT(refusal_of("users: 10\n"), HasSubstr("name"));
  EXPECT_THAT(refusal_of("name: x\n"), HasSubstr("users"));
}

TEST(ScenarioFile, SetsEveryValue) {
  const auto read = parse_scenario(R"(
name: all
description: every key
seed: 9
users: 100
arrival: {model: constant, over: 3s}
duration: 90s
quiet: 40s
late_after: 500ms
login: minted
devices: {per_user: 2}
json_share: 0.5
chats:
  direct: {per_user: 2}
  groups: {count: 3, size: {min: 4, max: 5, skew: 1.5}}
  rooms: {count: 1, size: 50}
activity: {users_skew: 0.5, chats_skew: 0.25}
sends:
  rate: 0.2
  text: {min: 70, max: 90, skew: 1}
  queue_max: 10
  mix: {direct: 3, group: 2, room: 0}
reads: {every: 7s}
drops: {users: 0.1, every: 9s, away: {min: 1s, max: 2s}, clean: 0.75}
storm: {at: 8s, users: 0.5}
slow_readers: {users: 0.01, bytes_per_s: 2000}
presence: {every: 11s, users: 3}
history: {every: 12s, limit: 13}
generator: {send_lag_p99: 20ms, stall: 2s, cpu: 0.8}
gates: ["lost == 0", "late == 0 in every 10s window"]
)",
                                   "s.yaml");
  ASSERT_TRUE(read) << read.error().text;
  const Scenario& s = *read;
  EXPECT_EQ(s.seed, 9u);
  EXPECT_EQ(s.arrival.model, Arrival::Model::constant);
  EXPECT_EQ(s.arrival.over, seconds(3));
  EXPECT_EQ(s.duration, seconds(90));
  EXPECT_EQ(s.quiet_max, seconds(40));
  EXPECT_EQ(s.late_after, milliseconds(500));
  EXPECT_EQ(s.login, Scenario::Login::minted);
  EXPECT_EQ(s.devices_per_user, 2u);
  EXPECT_EQ(s.json_share, 0.5);
  EXPECT_EQ(s.chats.direct_per_user, 2u);
  EXPECT_EQ(s.chats.groups, 3u);
  EXPECT_EQ(s.chats.group_size.max, 5u);
  EXPECT_EQ(s.chats.room_size, 50u);
  EXPECT_EQ(s.activity.chats_skew, 0.25);
  EXPECT_EQ(s.sends.per_user_per_s, 0.2);
  EXPECT_EQ(s.sends.text_bytes.min, 70u);
  EXPECT_EQ(s.sends.queue_max, 10u);
  EXPECT_EQ(s.sends.room_share, 0);
  EXPECT_EQ(s.reads.every, seconds(7));
  EXPECT_EQ(s.drops.users_share, 0.1);
  EXPECT_EQ(s.drops.away_max, seconds(2));
  EXPECT_EQ(s.drops.clean_share, 0.75);
  EXPECT_EQ(s.storm.at, seconds(8));
  EXPECT_EQ(s.storm.users_share, 0.5);
  EXPECT_EQ(s.slow_readers.users_share, 0.01);
  EXPECT_EQ(s.slow_readers.bytes_per_s, 2'000u);
  EXPECT_EQ(s.presence.users, 3u);
  EXPECT_EQ(s.history.limit, 13u);
  EXPECT_EQ(s.generator.send_lag_p99_max, milliseconds(20));
  EXPECT_EQ(s.generator.stall_max, seconds(2));
  ASSERT_EQ(s.gates.size(), 2u);
  EXPECT_EQ(s.gates[1].window(), seconds(10));
}

TEST(ScenarioFile, SetsTheRatesOfChanges) {
  const auto read = parse_scenario(std::string(kSmall) +
                                       "chats: {direct: {per_user: 2}}\nsends: {rate: 1}\n"
                                       "edits: {rate: 0.3}\ndeletions: {rate: 0.1}\n"
                                       "reactions: {rate: 0.4}\n",
                                   "s.yaml");
  ASSERT_TRUE(read) << read.error().text;
  EXPECT_EQ(read->changes.edits_per_s, 0.3);
  EXPECT_EQ(read->changes.deletions_per_s, 0.1);
  EXPECT_EQ(read->changes.reactions_per_s, 0.4);
  EXPECT_THAT(refusal_of(std::string(kSmall) + "edits: {rates: 1}\n"), HasSubstr("s.yaml:3"));
}

TEST(ScenarioFile, SetsHowUsersLeaveGroups) {
  const auto read = parse_scenario(
      "name: x\nusers: 30\nchats: {groups: {count: 2}}\n"
      "leaves: {rate: 0.2, away: {min: 1s, max: 2s}}\n",
      "s.yaml");
  ASSERT_TRUE(read) << read.error().text;
  EXPECT_EQ(read->leaves.per_user_per_s, 0.2);
  EXPECT_EQ(read->leaves.away_min, seconds(1));
  EXPECT_EQ(read->leaves.away_max, seconds(2));
  EXPECT_THAT(refusal_of(std::string(kSmall) + "leaves: {rate: 1}\n"), HasSubstr("need groups"));
  EXPECT_THAT(refusal_of(std::string(kSmall) + "leaves: {away: {min: 2s, max: 1s}}\n"),
              HasSubstr("leaves.away"));
}

TEST(ScenarioFile, SetsADay) {
  const auto read = parse_scenario(R"(
name: day
users: 20000000
duration: 24h
chats: {direct: {per_user: 5}}
regions:
  - {name: west, share: 2, utc_offset: -5}
  - {name: india, utc_offset: 5.5}
day:
  begin: 3h
  curve: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24]
  sessions: {per_day: 9, brief: 90s, longer: 15m, longer_share: 0.3}
  second_device: 0.2
  mobile: 0.7
  sends_per_hour: 40
  reads_per_hour: 20
  watchers: 30
  drops: {per_hour: 3, away: {min: 2s, max: 80s}, clean: 0.1, silent: 0.4}
  sleeps: {per_hour: 1, length: {min: 40s, max: 4m}}
fleet:
  engines: 128
  window: 15s
  heartbeat: 60s
  grace: 10s
  accepts_per_second: 100
  connections_max: 9000
)",
                                   "s.yaml");
  ASSERT_TRUE(read) << read.error().text;
  ASSERT_EQ(read->regions.size(), 2u);
  EXPECT_EQ(read->regions[0].share, 2);
  EXPECT_EQ(read->regions[1].utc_offset, minutes(330));
  const Day& day = read->day;
  EXPECT_TRUE(day.any());
  EXPECT_EQ(day.begin, seconds(3 * 3600));
  EXPECT_EQ(day.curve[23], 24);
  EXPECT_EQ(day.sessions.brief, seconds(90));
  EXPECT_EQ(day.sessions.longer, minutes(15));
  EXPECT_EQ(day.sessions.longer_share, 0.3);
  EXPECT_EQ(day.second_device_share, 0.2);
  EXPECT_EQ(day.mobile_share, 0.7);
  EXPECT_EQ(day.sends_per_hour, 40);
  EXPECT_EQ(day.reads_per_hour, 20);
  EXPECT_EQ(day.watchers, 30u);
  EXPECT_EQ(day.drops.away_max, seconds(80));
  EXPECT_EQ(day.drops.silent_share, 0.4);
  EXPECT_EQ(day.sleeps.length_min, seconds(40));
  EXPECT_EQ(read->fleet.engines, 128u);
  EXPECT_EQ(read->fleet.heartbeat, seconds(60));
  EXPECT_EQ(read->fleet.grace, seconds(10));
  EXPECT_EQ(read->fleet.connections_max, 9'000u);
  EXPECT_THAT(refusal_of(std::string(kSmall) + "day: {curve: [1, 2]}\n"), HasSubstr("24 numbers"));
  EXPECT_THAT(refusal_of(std::string(kSmall) + "regions: [{share: 1}]\n"), HasSubstr("name"));
}

TEST(ScenarioFile, RefusesAnUnknownKeyWithItsLineAndTheNearest) {
  const std::string text = refusal_of(std::string(kSmall) + "sends:\n  rates: 1\n");
  EXPECT_THAT(text, HasSubstr("s.yaml:4"));
  EXPECT_THAT(text, HasSubstr("\"rate\""));
}

TEST(ScenarioFile, TellsEveryMistakeAtOnce) {
  const std::string text = refusal_of(
      "name: x\nusers: many\nduration: 5\ngates:\n  - lost = 0\narrival: {model: sudden}\n");
  EXPECT_THAT(text, HasSubstr("s.yaml:2"));
  EXPECT_THAT(text, HasSubstr("s.yaml:3"));
  EXPECT_THAT(text, HasSubstr("column 6"));
  EXPECT_THAT(text, HasSubstr("poisson"));
}

TEST(ScenarioFile, RefusesWhatDoesNotFitTogether) {
  EXPECT_THAT(refusal_of(std::string(kSmall) + "chats: {rooms: {count: 1, size: 11}}\n"),
              HasSubstr("chats.rooms.size"));
  EXPECT_THAT(refusal_of(std::string(kSmall) + "sends: {rate: 1}\n"), HasSubstr("need chats"));
  EXPECT_THAT(refusal_of(std::string(kSmall) + "edits: {rate: 1}\n"), HasSubstr("need messages"));
  EXPECT_THAT(refusal_of(std::string(kSmall) +
                         "ladder: {rates: [1], pass: ['late == 0 in every 1s window']}\n"),
              HasSubstr("a step is one window"));
}

TEST(ScenarioFile, RefusesDevicesAndStormsThatCannotBe) {
  EXPECT_THAT(refusal_of(std::string(kSmall) + "devices: {per_user: 2}\nlogin: password\n"),
              HasSubstr("devices.per_user"));
  EXPECT_THAT(refusal_of(std::string(kSmall) + "devices: {per_user: 9}\n"), HasSubstr("per_user"));
  EXPECT_THAT(refusal_of(std::string(kSmall) + "storm: {at: 60s}\n"), HasSubstr("storm.at"));
  EXPECT_EQ(parse_scenario(std::string(kSmall) + "login: password\n", "s.yaml")->login,
            Scenario::Login::password);
}

TEST(ScenarioFile, ReadsEveryScenarioOfTheRepository) {
  size_t files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(kRoot / "scenarios")) {
    if (entry.path().extension() != ".yaml") continue;
    ++files;
    const auto scenario = load_scenario(entry.path().string());
    ASSERT_TRUE(scenario) << scenario.error().text;
    EXPECT_EQ(scenario->name, entry.path().stem().string());
  }
  EXPECT_GE(files, 6u);
}

// ------------------------------------------------ the parser, the schema and the reference agree

/// Paths such as "chats.groups.size.min" → the keys below each map of the schema.
void collect(const json::object& schema, const std::string& path,
             std::map<std::string, std::set<std::string>>& maps) {
  const auto* properties = schema.if_contains("properties");
  if (properties == nullptr) return;
  for (const auto& [key, value] : properties->as_object()) {
    maps[path].insert(std::string(key));
    collect(value.as_object(), path.empty() ? std::string(key) : path + "." + std::string(key),
            maps);
  }
}

std::map<std::string, std::set<std::string>> schema_maps() {
  std::map<std::string, std::set<std::string>> maps;
  collect(json::parse(text_of(kRoot / "scenarios/scenario.schema.json")).as_object(), "", maps);
  return maps;
}

/// The keys that the parser knows in a map, from what it says about one that it does not know.
std::set<std::string> parser_keys(const std::string& path) {
  std::string text = path.empty() ? "" : kSmall;
  std::string indent;
  std::istringstream parts(path);
  for (std::string part; std::getline(parts, part, '.'); indent += "  ") {
    text += indent + part + ":\n";
  }
  text += indent + "zzzzzzzzzzzzzzzzzzzzzzzzz: 1\n";
  const std::string refusal = refusal_of(text);
  std::smatch known;
  if (!std::regex_search(refusal, known, std::regex("\\(known: ([^)]*)\\)"))) {
    ADD_FAILURE() << refusal;
    return {};
  }
  std::set<std::string> keys;
  std::istringstream list(known[1].str());
  for (std::string key; std::getline(list >> std::ws, key, ',');) keys.insert(key);
  return keys;
}

TEST(ScenarioFile, KnowsTheKeysOfTheSchemaAndNoOthers) {
  for (const auto& [path, keys] : schema_maps()) EXPECT_EQ(parser_keys(path), keys) << path;
}

TEST(ScenarioFile, KnowsTheKeysOfTheReferenceAndNoOthers) {
  const auto maps = schema_maps();
  std::set<std::string> leaves;
  for (const auto& [path, keys] : maps) {
    for (const std::string& key : keys) {
      const std::string full = path.empty() ? key : path + "." + key;
      if (!maps.contains(full)) leaves.insert(full);
    }
  }
  const std::string docs = text_of(kRoot / "docs/scenarios.md");
  const size_t begin = docs.find("## Keys"), end = docs.find("## Gates");
  ASSERT_NE(end, std::string::npos);
  const std::string table = docs.substr(begin, end - begin);
  std::set<std::string> documented;
  const std::regex row("\n\\| `([a-z_.0-9]+)` \\|");
  for (std::sregex_iterator it(table.begin(), table.end(), row), none; it != none; ++it) {
    documented.insert((*it)[1].str());
  }
  EXPECT_EQ(documented, leaves);
}

TEST(ScenarioFile, ReferenceNamesEveryMetricOfGates) {
  const std::string docs = text_of(kRoot / "docs/scenarios.md");
  for (const MetricInfo& metric : gate_metrics()) {
    if (metric.meaning.empty()) continue;
    EXPECT_THAT(docs, HasSubstr("| `" + std::string(metric.name) + "` |"));
  }
}

}  // namespace
}  // namespace chat::sim
