// ProcessFigures: CPU, memory and descriptors of this process, as the kernel tells them.
// Thread rule: any thread.
#pragma once

#include <cstdint>

namespace chat {

struct ProcessFigures {
  int64_t pid = 0;
  double cpu_s = 0;  ///< User and system time since the start.
  uint64_t rss_bytes = 0;
  uint64_t fds = 0;
  uint64_t fds_max = 0;  ///< The soft limit.
};

ProcessFigures process_figures();

}  // namespace chat
