#include "tools/common/yaml_reader.h"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

namespace chat {
namespace {

YamlMap parsed(std::string_view text) {
  auto map = YamlMap::parse(text, "test.yaml");
  EXPECT_TRUE(map.has_value()) << map.error().text;
  return *map;
}

std::string error_of(std::string_view text) {
  const auto map = YamlMap::parse(text, "test.yaml");
  EXPECT_TRUE(map.has_error());
  return map.has_error() ? map.error().text : "";
}

std::string error_of(YamlMap& map) {
  const Status status = map.finish();
  return status.has_error() ? status.error().text : "";
}

TEST(YamlMap, ReadsEveryKindOfValue) {
  YamlMap map = parsed(
      "name: big room\nusers: 2_000\nrate: 2.5\nopen: yes\nramp: 1500ms\nbuffer: 64KiB\n"
      "mode: live\nsteps: [1, 2, 3]\npauses: [1s, 5m]\n");
  std::string name, mode;
  uint32_t users = 0;
  double rate = 0;
  bool open = false;
  Duration ramp;
  uint64_t buffer = 0;
  std::vector<int64_t> steps;
  std::vector<Duration> pauses;
  map.text("name", name);
  map.integer("users", users, {.min = 1});
  map.number("rate", rate);
  map.boolean("open", open);
  map.duration("ramp", ramp);
  map.bytes("buffer", buffer);
  map.choice("mode", mode, {"live", "exact"});
  map.integers("steps", steps);
  map.durations("pauses", pauses);
  EXPECT_EQ(error_of(map), "");
  EXPECT_EQ(name, "big room");
  EXPECT_EQ(users, 2000u);
  EXPECT_EQ(rate, 2.5);
  EXPECT_TRUE(open);
  EXPECT_EQ(ramp, milliseconds(1500));
  EXPECT_EQ(buffer, 65536u);
  EXPECT_EQ(mode, "live");
  EXPECT_EQ(steps, (std::vector<int64_t>{1, 2, 3}));
  EXPECT_EQ(pauses, (std::vector<Duration>{seconds(1), minutes(5)}));
}

TEST(YamlMap, LeavesTheTargetAloneWhenTheKeyIsAbsent) {
  YamlMap map = parsed("");
  int users = 7;
  map.integer("users", users);
  EXPECT_EQ(users, 7);
  EXPECT_EQ(error_of(map), "");
}

TEST(YamlMap, NamesLineKeyAndExpectationOfABadValue) {
  YamlMap map = parsed("a: 1\nusers: many\nramp: 30\nsize: 64Kib\nport: 70000\n");
  int a = 0, users = 0;
  uint16_t port = 0;
  Duration ramp;
  uint64_t size = 0;
  map.integer("a", a);
  map.integer("users", users, {.min = 1, .max = 100});
  map.duration("ramp", ramp);
  map.bytes("size", size);
  map.integer("port", port);
  EXPECT_EQ(error_of(map),
            "test.yaml:2: users: expected a whole number from 1 to 100, got \"many\"\n"
            "test.yaml:3: ramp: expected a duration such as 250ms, 30s or 5m, got \"30\"\n"
            "test.yaml:4: size: expected a size such as 512, 64KiB or 8MiB, got \"64Kib\"\n"
            "test.yaml:5: port: expected a whole number from 0 to 65535, got \"70000\"");
}

TEST(YamlMap, RefusesUnknownKeysWithTheNearestKnownOne) {
  YamlMap map = parsed("usres: 5\nzzzzzzzz: 1\n");
  int users = 0;
  map.integer("users", users);
  EXPECT_EQ(error_of(map),
            "test.yaml:1: usres: unknown key (did you mean \"users\"?)\n"
            "test.yaml:2: zzzzzzzz: unknown key (known: users)");
}

TEST(YamlMap, ChecksNestedMapsAndListsFromTheTop) {
  YamlMap map = parsed(
      "limits:\n  sends: 5\n  rats: 2\ngroups:\n  - name: a\n    size: 3\n  - nam: b\n  - 7\n");
  YamlMap limits = map.map("limits");
  int sends = 0, rate = 0;
  limits.integer("sends", sends);
  limits.integer("rate", rate);
  for (YamlMap group : map.maps("groups")) {
    std::string name;
    int size = 0;
    group.require("name");
    group.text("name", name);
    group.integer("size", size);
  }
  EXPECT_EQ(sends, 5);
  EXPECT_EQ(error_of(map),
            "test.yaml:3: limits.rats: unknown key (did you mean \"rate\"?)\n"
            "test.yaml:7: groups[1].name: is missing\n"
            "test.yaml:7: groups[1].nam: unknown key (did you mean \"name\"?)\n"
            "test.yaml:8: groups[2]: expected a map of keys, got a value");
}

TEST(YamlMap, AnswersAnEmptyMapForAnAbsentOne) {
  YamlMap map = parsed("a: 1\n");
  int value = 3;
  map.map("nothing").integer("value", value);
  map.integer("a", value);
  EXPECT_EQ(value, 1);
  EXPECT_EQ(error_of(map), "");
}

TEST(YamlMap, CollectsErrorsOfItsCaller) {
  YamlMap map = parsed("from: 5\nto: 3\n");
  int from = 0, to = 0;
  map.integer("from", from);
  map.integer("to", to);
  map.fail("to", "must not be below from");
  EXPECT_EQ(error_of(map), "test.yaml:2: to: must not be below from");
}

TEST(YamlMap, RefusesWhatIsNoSingleMap) {
  EXPECT_EQ(error_of("- 1\n- 2\n"), "test.yaml:1: expected a map of keys, got a list");
  EXPECT_EQ(error_of("a: 1\n---\nb: 2\n"), "test.yaml:3: expected one document, got several");
  EXPECT_EQ(error_of("a: 1\nb: 2\na: 3\n"), "test.yaml:3: the key \"a\" stands here twice");
  EXPECT_EQ(error_of("a: [1, 2\nb: 3\n").substr(0, 10), "test.yaml:");
}

TEST(YamlMap, SuggestsTheNearestChoice) {
  YamlMap map = parsed("level: wran\n");
  std::string level;
  map.choice("level", level, {"info", "warn"});
  EXPECT_EQ(
      error_of(map),
      "test.yaml:1: level: expected one of info, warn, got \"wran\" (did you mean \"warn\"?)");
}

TEST(YamlMap, LoadsFilesAndSaysWhenThereIsNone) {
  char path[] = "/tmp/yaml_reader_test.XXXXXX";
  const int file = mkstemp(path);
  ASSERT_GE(file, 0);
  EXPECT_TRUE(YamlMap::load(path).has_value());
  ASSERT_EQ(write(file, "a: 1\n", 5), 5);
  close(file);
  auto map = YamlMap::load(path);
  ASSERT_TRUE(map.has_value());
  EXPECT_EQ(map->keys(), std::vector<std::string>{"a"});
  unlink(path);
  EXPECT_EQ(YamlMap::load(path).error().code, ErrorCode::not_found);
  EXPECT_EQ(YamlMap::load("/").error().code, ErrorCode::not_found);
}

}  // namespace
}  // namespace chat
