// chatd: the chat server. Reads its options, serves until SIGTERM or SIGINT, ends in order.
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstdio>
#include <future>
#include <string>
#include <vector>

#include "core/wire/frame_codec.h"
#include "tools/chatd/chatd.h"
#include "tools/chatd/chatd_options.h"
#include "tools/chatd/log.h"

namespace chat {
namespace {

int fail(ExitCode code, const std::string& text) {
  std::fprintf(stderr, "chatd: %s\n", text.c_str());
  return static_cast<int>(code);
}

std::vector<std::string> environment_of_process() {
  std::vector<std::string> environment;
  for (char** entry = environ; *entry != nullptr; ++entry) environment.emplace_back(*entry);
  return environment;
}

/// SIGHUP: the log level as the sources of the configuration say now.
void reload_log_level(const std::vector<std::string>& arguments) {
  const auto command = read_chatd_command(arguments, environment_of_process());
  if (!command) return spdlog::error("SIGHUP: nothing changed: {}", command.error().text);
  set_log_level(command->options.log_level);
  spdlog::info("SIGHUP: log level {}", command->options.log_level);
}

int run(const ChatdOptions& options, const std::vector<std::string>& arguments) {
  set_up_log(options.log_level, options.log_format);
  std::signal(SIGPIPE, SIG_IGN);
  wire::quiet_parser();
  std::promise<int> ended;
  int endings = 0;
  std::atomic<Chatd*> serving = nullptr;
  const auto on_signal = [&](int number) {
    if (number == SIGHUP) return reload_log_level(arguments);
    if (++endings == 1) return ended.set_value(number);
    if (Chatd* chatd = serving) chatd->hurry();
  };
  ExitCode exit_code = ExitCode::ok;
  auto chatd = Chatd::start(options, on_signal, exit_code);
  if (!chatd) return fail(exit_code, chatd.error().text);
  serving = chatd->get();
  const int number = ended.get_future().get();
  spdlog::info("signal {}: ending", number);
  if (!(*chatd)->stop()) spdlog::warn("connections were cut off");
  spdlog::info("ended");
  return static_cast<int>(ExitCode::ok);
}

}  // namespace
}  // namespace chat

int main(int argc, char** argv) {
  const std::vector<std::string> arguments(argv + 1, argv + argc);
  const auto command = chat::read_chatd_command(arguments, chat::environment_of_process());
  if (!command) return chat::fail(chat::ExitCode::wrong_configuration, command.error().text);
  switch (command->action) {
    case chat::ChatdAction::help:
      std::fputs(chat::chatd_help().c_str(), stdout);
      return 0;
    case chat::ChatdAction::version:
      std::puts("chatd " CHAT_VERSION);
      return 0;
    case chat::ChatdAction::print_config:
      std::fputs(chat::to_yaml(command->options).c_str(), stdout);
      return 0;
    case chat::ChatdAction::check_config:
      std::puts("chatd: the configuration is good");
      return 0;
    case chat::ChatdAction::run:
      return chat::run(command->options, arguments);
  }
  return static_cast<int>(chat::ExitCode::failed);
}
