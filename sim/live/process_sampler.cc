#include "sim/live/process_sampler.h"

#include <sys/resource.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>

namespace chat::sim {
namespace {

// Twice as often as it is asked, so that no second is without a sample.
constexpr auto kInterval = std::chrono::milliseconds(500);
constexpr Duration kStatusTimeout = milliseconds(900);

std::string slurp(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace

std::optional<ProcessUse> process_use(pid_t pid) {
  const std::string folder = "/proc/" + std::to_string(pid);
  const std::string stat = slurp(folder + "/stat");
  // The name in parentheses may hold spaces; the fields are counted from behind it.
  const size_t name_end = stat.rfind(')');
  if (name_end == std::string::npos) return std::nullopt;
  std::istringstream fields(stat.substr(name_end + 1));
  std::string skipped;
  char state = 0;
  fields >> state;
  for (int i = 0; i < 10; ++i) fields >> skipped;
  uint64_t user_ticks = 0, system_ticks = 0;
  fields >> user_ticks >> system_ticks;
  if (!fields || state == 'Z' || state == 'X') return std::nullopt;
  std::istringstream statm(slurp(folder + "/statm"));
  uint64_t size_pages = 0, resident_pages = 0, file_pages = 0;
  statm >> size_pages >> resident_pages >> file_pages;
  const auto page_bytes = static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
  return ProcessUse{.cpu_s = static_cast<double>(user_ticks + system_ticks) /
                             static_cast<double>(sysconf(_SC_CLK_TCK)),
                    .rss_bytes = resident_pages * page_bytes,
                    .own_bytes = (resident_pages - file_pages) * page_bytes};
}

ProcessUse own_use() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds_of = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  ProcessUse use = process_use(getpid()).value_or(ProcessUse{});
  use.cpu_s = seconds_of(usage.ru_utime) + seconds_of(usage.ru_stime);
  return use;
}

ProcessSampler::ProcessSampler(const Target& target)
    : target_(target), admin_(target.admin_endpoint(), kStatusTimeout) {
  const auto address = resolve(target.admin_endpoint());
  local_ = address && is_loopback(*address);
  thread_ = std::thread([this] { run(); });
}

ProcessSampler::~ProcessSampler() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  stop_signal_.notify_all();
  thread_.join();
}

std::optional<ServerSample> ProcessSampler::server() const {
  const std::lock_guard lock(mutex_);
  return latest_;
}

void ProcessSampler::run() {
  for (;;) {
    sample();
    std::unique_lock lock(mutex_);
    if (stop_signal_.wait_for(lock, kInterval, [this] { return stopping_; })) return;
  }
}

// After a restart the ready file names other ports and another pid.
bool ProcessSampler::find_server() {
  if (target_.reload()) admin_.set_endpoint(target_.admin_endpoint());
  const auto status = admin_.status();
  if (!status) return false;
  const auto pid = static_cast<pid_t>(status->pid);
  if (pid_ != 0 && pid != pid_) {
    cpu_before_ += cpu_this_life_;
    const std::lock_guard lock(mutex_);
    if (latest_) ++latest_->restarts;
  }
  pid_ = pid;
  return true;
}

std::optional<ProcessUse> ProcessSampler::read_use() {
  if (local_) {
    if (pid_ != 0) {
      if (const auto use = process_use(pid_)) return use;
    }
    if (!find_server()) return std::nullopt;
    return process_use(pid_);
  }
  const auto status = admin_.status();
  if (!status) return std::nullopt;
  return ProcessUse{
      .cpu_s = status->cpu_s, .rss_bytes = status->rss_bytes, .own_bytes = status->rss_bytes};
}

void ProcessSampler::sample() {
  const auto use = read_use();
  if (!use) return;
  // A status without a pid shows a restart by less CPU time than before.
  if (!local_ && use->cpu_s < cpu_this_life_) {
    cpu_before_ += cpu_this_life_;
    const std::lock_guard lock(mutex_);
    if (latest_) ++latest_->restarts;
  }
  cpu_this_life_ = use->cpu_s;
  if (cpu_at_start_ < 0) cpu_at_start_ = use->cpu_s;
  const std::lock_guard lock(mutex_);
  if (!latest_) latest_ = ServerSample{};
  latest_->use = {.cpu_s = cpu_before_ + cpu_this_life_ - cpu_at_start_,
                  .rss_bytes = use->rss_bytes,
                  .own_bytes = use->own_bytes};
  ++latest_->number;
}

}  // namespace chat::sim
