// What processes use: this one, and the server, which a thread of its own samples twice a second so
// that a server that does not answer never holds up the load. A server on this machine is read from
// /proc by its pid; another one is asked for its status.
// Thread rule: ProcessSampler's functions may be called from any thread.
#pragma once

#include <sys/types.h>

#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <optional>
#include <thread>

#include "core/base/time.h"
#include "sim/crowd/usage.h"
#include "sim/live/admin_client.h"
#include "sim/live/endpoint.h"

namespace chat::sim {

/// Of a process of this machine; nullopt when there is none with this pid.
std::optional<ProcessUse> process_use(pid_t pid);
ProcessUse own_use();

class ProcessSampler : public UsageSource {
 public:
  explicit ProcessSampler(const Target& target);
  ~ProcessSampler() override;

  ProcessUse generator() const override { return own_use(); }
  std::optional<ServerSample> server() const override;

 private:
  void run();
  void sample();
  /// From /proc when the process is of this machine, else from the status.
  std::optional<ProcessUse> read_use();
  bool find_server();

  Target target_;
  AdminClient admin_;
  bool local_ = false;
  pid_t pid_ = 0;
  double cpu_before_ = 0;     ///< Of earlier lives.
  double cpu_this_life_ = 0;  ///< Newest reading of this life.
  double cpu_at_start_ = -1;  ///< First reading of all.

  mutable std::mutex mutex_;
  std::condition_variable stop_signal_;
  bool stopping_ = false;
  std::optional<ServerSample> latest_;
  std::thread thread_;
};

}  // namespace chat::sim
