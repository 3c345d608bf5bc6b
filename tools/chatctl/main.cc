// chatctl: looks at a chatd and operates it, through its admin port.
#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdio>
#include <string>
#include <vector>

#include "tools/chatctl/admin_client.h"
#include "tools/chatctl/command_line.h"
#include "tools/chatctl/exit_code.h"

namespace chat::ctl {
namespace {

int fail(const Error& error) {
  std::fprintf(stderr, "chatctl: %s\n", error.text.c_str());
  return static_cast<int>(exit_code_of(error.code));
}

/// The columns of the terminal; 0 when the output goes elsewhere, where nothing may be cut.
size_t terminal_width() {
  winsize size{};
  if (!isatty(STDOUT_FILENO) || ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0) return 0;
  return size.ws_col;
}

int print(const std::string& text) {
  if (std::fwrite(text.data(), 1, text.size(), stdout) == text.size() && std::fflush(stdout) == 0) {
    return static_cast<int>(ExitCode::ok);
  }
  return fail(make_error(ErrorCode::internal, "cannot write to stdout"));
}

int run(const std::vector<std::string>& arguments) {
  const auto command = parse_command_line(arguments);
  if (!command) return fail(command.error());
  if (!command->verb) return print(command->text);
  AdminClient admin(command->admin_url);
  const auto answer = command->verb->run(admin, command->invocation);
  if (!answer) return fail(answer.error());
  return print(command->output == OutputFormat::json
                   ? render_json(answer->body)
                   : render(answer->view, answer->body, terminal_width()));
}

}  // namespace
}  // namespace chat::ctl

int main(int argc, char** argv) {
  return chat::ctl::run(std::vector<std::string>(argv + 1, argv + argc));
}
