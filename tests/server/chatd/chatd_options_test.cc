#include "tools/chatd/chatd_options.h"

#include <gtest/gtest.h>

#include <fstream>

#include "tests/support/temp_dir.h"

namespace chat {
namespace {

class ChatdOptionsTest : public ::testing::Test {
 protected:
  std::string file(std::string_view text) {
    const std::string path = dir_.path() + "/chatd.yaml";
    std::ofstream(path) << text;
    return path;
  }

  ChatdCommand read(const std::vector<std::string>& arguments,
                    const std::vector<std::string>& environment = {}) {
    auto command = read_chatd_command(arguments, environment);
    EXPECT_TRUE(command.has_value()) << command.error().text;
    return command ? *command : ChatdCommand{};
  }

  std::string error(const std::vector<std::string>& arguments,
                    const std::vector<std::string>& environment = {}) {
    const auto command = read_chatd_command(arguments, environment);
    EXPECT_TRUE(command.has_error());
    return command ? "" : command.error().text;
  }

  TempDir dir_;
};

TEST_F(ChatdOptionsTest, FlagsWinOverTheEnvironmentAndThatOverTheFile) {
  const std::string path = file(
      "data_dir: from-file\nlisten: 127.0.0.1:1\nreactors: 3\nlog_level: debug\n"
      "policy:\n  heartbeat_interval: 7s\n");
  const ChatdCommand command =
      read({"--config", path, "--listen", "127.0.0.1:3"},
           {"CHATD_LISTEN=127.0.0.1:2", "CHATD_REACTORS=2", "HOME=/", "CHATDX=1"});
  EXPECT_EQ(command.action, ChatdAction::run);
  EXPECT_EQ(command.config_file, path);
  EXPECT_EQ(command.options.data_dir, "from-file");
  EXPECT_EQ(command.options.listen.port, 3);
  EXPECT_EQ(command.options.reactors, 2u);
  EXPECT_EQ(command.options.log_level, "debug");
  EXPECT_EQ(command.options.policy.heartbeat_interval, seconds(7));
  EXPECT_EQ(command.options.policy.hello_timeout, EnginePolicy{}.hello_timeout);
}

TEST_F(ChatdOptionsTest, TheFileMayComeFromTheEnvironment) {
  const std::string path = file("data_dir: d\n");
  EXPECT_EQ(read({}, {"CHATD_CONFIG=" + path}).options.data_dir, "d");
  EXPECT_EQ(read({"--check-config"}, {"CHATD_CONFIG=" + path}).action, ChatdAction::check_config);
}

TEST_F(ChatdOptionsTest, RefusesUnknownKeysWithLineAndNearestKey) {
  const std::string path =
      file("data_dir: d\n\nlissten: 127.0.0.1:1\npolicy:\n  hello_timout: 1s\n");
  EXPECT_EQ(error({"-c", path}),
            path + ":3: lissten: unknown key (did you mean \"listen\"?)\n" + path +
                ":5: policy.hello_timout: unknown key (did you mean \"hello_timeout\"?)");
  EXPECT_EQ(error({"--data-dri", "x"}), "--data-dri: unknown flag (did you mean \"data-dir\"?)");
  EXPECT_EQ(error({"--data-dir", "x"}, {"CHATD_LISTN=y"}),
            "CHATD_LISTN: unknown variable (did you mean \"CHATD_LISTEN\"?)");
}

TEST_F(ChatdOptionsTest, TellsWhatWasExpectedAndWhere) {
  const std::string path = file("data_dir: d\nreactors: many\nlisten: [1]\n");
  EXPECT_EQ(error({"-c", path}),
            path + ":2: reactors: expected a whole number from 0 to 256, got \"many\"\n" + path +
                ":3: listen: expected one value, got a list");
  EXPECT_EQ(error({"--data-dir", "d", "--listen", "8080"}),
            "--listen: expected an address such as 127.0.0.1:8080 or [::1]:8080, got \"8080\"");
  EXPECT_EQ(error({"--data-dir", "d"}, {"CHATD_LOG_LEVEL=loud"}),
            "CHATD_LOG_LEVEL: expected one of trace, debug, info, warn, error, off, got \"loud\"");
  EXPECT_EQ(error({"-c", "/nowhere.yaml"}), "/nowhere.yaml: cannot be read");
  EXPECT_EQ(read({"--data-dir", "first", "--data-dir", "last"}).options.data_dir, "last");
  EXPECT_NE(error({"stray"}), "");
  EXPECT_NE(error({"--data-dir"}), "");
}

TEST_F(ChatdOptionsTest, NeedsADataDirectoryAndLimitsThatFitTogether) {
  EXPECT_EQ(error({}),
            "data_dir: is missing (--data-dir DIR, or data_dir in the configuration file)");
  EXPECT_NE(error({"--data-dir", "d", "--policy-frame-bytes-max", "8KiB"}).find("frame_bytes_max"),
            std::string::npos);
}

TEST_F(ChatdOptionsTest, TheAdminPortFollowsThePublicOne) {
  EXPECT_EQ(read({"--data-dir", "d", "--listen", "0.0.0.0:9000"}).options.admin_address().port,
            9001);
  EXPECT_EQ(read({"--data-dir", "d", "--listen", "0.0.0.0:9000"}).options.admin_address().host,
            "127.0.0.1");
  EXPECT_EQ(read({"--data-dir", "d", "--listen", "0.0.0.0:0"}).options.admin_address().port, 0);
  EXPECT_EQ(read({"--data-dir", "d", "--admin-listen", "127.0.0.1:5"}).options.admin_address().port,
            5);
}

TEST_F(ChatdOptionsTest, WhatItPrintsReadsBackTheSame) {
  const ChatdCommand command =
      read({"--data-dir", "a \"b\" \\ c", "--reactors", "5", "--policy-mark-flush", "1500ms",
            "--block-cache", "64MiB", "--print-config"});
  EXPECT_EQ(command.action, ChatdAction::print_config);
  const std::string printed = to_yaml(command.options);
  const ChatdCommand again = read({"-c", file(printed)});
  EXPECT_EQ(to_yaml(again.options), printed);
  EXPECT_EQ(again.options.data_dir, "a \"b\" \\ c");
  EXPECT_EQ(again.options.policy.mark_flush, milliseconds(1500));
}

TEST_F(ChatdOptionsTest, HelpNamesEveryOptionOnce) {
  const std::string help = chatd_help();
  for (const char* flag : {"--data-dir DIR", "--admin-listen HOST:PORT",
                           "--policy-idle-eviction TIME", "--log-format text|json"}) {
    EXPECT_NE(help.find(flag), std::string::npos) << flag;
  }
  EXPECT_EQ(read({"--help"}).action, ChatdAction::help);
  EXPECT_EQ(read({"--version"}).action, ChatdAction::version);
}

}  // namespace
}  // namespace chat
