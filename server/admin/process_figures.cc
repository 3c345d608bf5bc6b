#include "server/admin/process_figures.h"

#include <dirent.h>
#include <sys/resource.h>
#include <unistd.h>

#include <fstream>

namespace chat {
namespace {

double seconds_of(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
}

uint64_t resident_bytes() {
  std::ifstream statm("/proc/self/statm");
  uint64_t size = 0, resident = 0;
  statm >> size >> resident;
  return resident * static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
}

uint64_t open_descriptors() {
  DIR* const directory = opendir("/proc/self/fd");
  if (directory == nullptr) return 0;
  uint64_t count = 0;
  while (readdir(directory) != nullptr) ++count;
  closedir(directory);
  return count > 3 ? count - 3 : 0;  // ".", ".." and the directory itself.
}

}  // namespace

ProcessFigures process_figures() {
  ProcessFigures figures;
  figures.pid = getpid();
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  figures.cpu_s = seconds_of(usage.ru_utime) + seconds_of(usage.ru_stime);
  figures.rss_bytes = resident_bytes();
  figures.fds = open_descriptors();
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  figures.fds_max = limit.rlim_cur;
  return figures;
}

}  // namespace chat
