#include "tools/chatsim/progress.h"

#include <fmt/format.h>

#include <cstdio>

namespace chat::sim {
namespace {

constexpr Duration kInterval = seconds(5);  ///< Of lines that are not on a terminal.

}  // namespace

std::string progress_line(const RunProgress& progress) {
  std::string line = fmt::format("{:<8}", progress.phase);
  if (progress.length.ns > 0) {
    line += fmt::format("{:.0f}/{:.0f} s", progress.done.seconds(), progress.length.seconds());
  } else {
    line += fmt::format("{:.0f} s", progress.done.seconds());
  }
  if (!progress.detail.empty()) return line + "  " + progress.detail;
  if (progress.phase == "prepare" || progress.phase == "audit") return line;
  line += fmt::format("  {} of {} users  {:.0f} msg/s  {:.0f} deliveries/s", progress.users,
                      progress.users_asked, progress.sent_per_s, progress.delivered_per_s);
  if (progress.response_p99_ms > 0) {
    line += fmt::format("  p99 {:.{}f} ms", progress.response_p99_ms,
                        progress.response_p99_ms < 10 ? 1 : 0);
  }
  return line;
}

void ProgressPrinter::print(const RunProgress& progress) {
  const std::string line = progress_line(progress);
  if (terminal_) {
    if (progress.phase != phase_) end();
    std::fprintf(stderr, "\r\x1b[K%s", line.c_str());
    line_open_ = true;
  } else if (progress.phase != phase_ || progress.done - printed_ >= kInterval) {
    std::fprintf(stderr, "%s\n", line.c_str());
    printed_ = progress.done;
  }
  std::fflush(stderr);
  phase_ = progress.phase;
}

void ProgressPrinter::end() {
  if (line_open_) std::fputs("\n", stderr);
  line_open_ = false;
}

}  // namespace chat::sim
