#include "tools/chatsim/command_line.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tools/chatsim/progress.h"

namespace chat::sim {
namespace {

using ::testing::HasSubstr;

std::string refusal_of(const std::vector<std::string>& arguments) {
  const auto line = parse_command_line(arguments);
  return line ? "accepted" : line.error().text;
}

TEST(ChatsimCommandLine, ReadsARunWithItsOverrides) {
  const auto line =
      parse_command_line({"run",    "s.yaml", "--target",   "ready.json", "--admin=http://h:1",
                          "--json", "-",      "--report",   "r.html",     "--traces",
                          "t.txt",  "--seed", "7",          "--users",    "1_000",
                          "--rate", "0.5",    "--duration", "5m",         "-q"});
  ASSERT_TRUE(line) << line.error().text;
  EXPECT_EQ(line->verb, CommandLine::Verb::run);
  EXPECT_EQ(line->scenario_path, "s.yaml");
  EXPECT_EQ(line->target, "ready.json");
  EXPECT_EQ(line->admin, "http://h:1");
  EXPECT_EQ(line->json_path, "-");
  EXPECT_EQ(line->report_path, "r.html");
  EXPECT_EQ(line->traces_path, "t.txt");
  EXPECT_EQ(line->seed, 7u);
  EXPECT_EQ(line->users, 1'000u);
  EXPECT_EQ(line->rate, 0.5);
  EXPECT_EQ(line->duration, minutes(5));
  EXPECT_TRUE(line->quiet);
}

TEST(ChatsimCommandLine, RefusesWithTheRemedy) {
  EXPECT_THAT(refusal_of({}), HasSubstr("Usage"));
  EXPECT_THAT(refusal_of({"rum", "s.yaml"}), HasSubstr("\"run\""));
  EXPECT_THAT(refusal_of({"run", "--target", "t"}), HasSubstr("one scenario file"));
  EXPECT_THAT(refusal_of({"run", "s.yaml"}), HasSubstr("--target"));
  EXPECT_THAT(refusal_of({"run", "s.yaml", "--target", "t", "--users", "0"}), HasSubstr("--users"));
  EXPECT_THAT(refusal_of({"run", "s.yaml", "--target", "t", "--seed", "x"}), HasSubstr("--seed"));
  EXPECT_THAT(refusal_of({"run", "s.yaml", "--colour"}), HasSubstr("--help"));
}

TEST(ChatsimCommandLine, ReadsARunInVirtualTime) {
  const auto line = parse_command_line(
      {"run", "s.yaml", "--virtual", "--fleet", "--threads", "3", "--check-determinism"});
  ASSERT_TRUE(line) << line.error().text;
  EXPECT_TRUE(line->in_virtual_time);
  EXPECT_TRUE(line->fleet);
  EXPECT_TRUE(line->check_determinism);
  EXPECT_EQ(line->threads, 3u);
  EXPECT_THAT(refusal_of({"run", "s.yaml", "--virtual", "--target", "t"}), HasSubstr("--target"));
  EXPECT_THAT(refusal_of({"run", "s.yaml", "--target", "t", "--fleet"}), HasSubstr("--virtual"));
  EXPECT_THAT(refusal_of({"run", "s.yaml", "--virtual", "--threads", "0"}), HasSubstr("--threads"));
}

TEST(ChatsimCommandLine, PrintsHelpPerVerb) {
  EXPECT_THAT(parse_command_line({"--help"})->text, HasSubstr("Exit codes"));
  EXPECT_THAT(parse_command_line({"run", "--help"})->text, HasSubstr("--report"));
  EXPECT_THAT(parse_command_line({"check", "--help"})->text, HasSubstr("Validates"));
  EXPECT_THAT(parse_command_line({"--version"})->text, HasSubstr("chatsim "));
}

TEST(ChatsimCommandLine, ShrinksChatsToFewerUsers) {
  Scenario scenario;
  scenario.name = "x";
  scenario.users = 1'000;
  scenario.chats = {.direct_per_user = 20,
                    .groups = 3,
                    .group_size = {.min = 30, .max = 60},
                    .rooms = 1,
                    .room_size = 1'000};
  CommandLine line;
  line.users = 10;
  line.seed = 5;
  ASSERT_TRUE(apply_overrides(line, scenario));
  EXPECT_EQ(scenario.seed, 5u);
  EXPECT_EQ(scenario.chats.room_size, 10u);
  EXPECT_EQ(scenario.chats.group_size.max, 10u);
  EXPECT_EQ(scenario.chats.group_size.min, 10u);
  EXPECT_EQ(scenario.chats.direct_per_user, 9u);
}

TEST(Progress, IsOneLineThatNamesThePhase) {
  const RunProgress progress{.phase = "run",
                             .done = milliseconds(23'400),
                             .length = seconds(60),
                             .users = 1'987,
                             .users_asked = 2'000,
                             .sent_per_s = 201,
                             .delivered_per_s = 1'204,
                             .response_p99_ms = 12.4,
                             .detail = ""};
  EXPECT_EQ(progress_line(progress),
            "run     23/60 s  1987 of 2000 users  201 msg/s  1204 deliveries/s  p99 12 ms");
  const RunProgress audit{.phase = "audit",
                          .done = seconds(2),
                          .length = {},
                          .users = 0,
                          .users_asked = 5,
                          .sent_per_s = 0,
                          .delivered_per_s = 0,
                          .response_p99_ms = 0,
                          .detail = "logs 100/4400"};
  EXPECT_EQ(progress_line(audit), "audit   2 s  logs 100/4400");
}

}  // namespace
}  // namespace chat::sim
