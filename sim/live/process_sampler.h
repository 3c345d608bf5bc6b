// What processes use: this one, and the server, which a thread of its own samples twice a second so
// that a server that does not answer never holds up the load. A server on this machine is read from
// /proc by its pid; another one is asked for its status.
// Thread rule: ServerSampler's functions may be called from any thread.
#pragma once

#include <sys/types.h>

#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <optional>
#include <thread>

#include "core/base/time.h"
#include "sim/live/admin_client.h"
#include "sim/live/endpoint.h"

namespace chat::sim {

/// What a process has used so far, and uses now.
struct ProcessUse {
  double cpu_s = 0;
  uint64_t rss_bytes = 0;
  uint64_t own_bytes = 0;  ///< Resident without files: no code, no mapped tables.
};

/// Of a process of this machine; nullopt when there is none with this pid.
std::optional<ProcessUse> process_use(pid_t pid);
ProcessUse own_use();

struct ServerSample {
  ProcessUse use;  ///< cpu_s sums over all lives of the server since the sampler began.
  uint32_t restarts = 0;
  uint64_t number = 0;  ///< Grows with each success: the same number again means a gap.
};

class ServerSampler {
 public:
  explicit ServerSampler(const Target& target);
  ~ServerSampler();

  /// The newest sample; nullopt before the first.
  std::optional<ServerSample> latest() const;

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
