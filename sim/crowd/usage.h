// Usage: what the two sides of a run use of their machine, as the meter asks for it once a second.
// Thread rule: plain values; a source is asked on the meter's thread.
#pragma once

#include <cstdint>
#include <optional>

namespace chat::sim {

/// What a process has used so far, and uses now.
struct ProcessUse {
  double cpu_s = 0;
  uint64_t rss_bytes = 0;
  uint64_t own_bytes = 0;  ///< Resident without files: no code, no mapped tables.
};

struct ServerSample {
  ProcessUse use;  ///< cpu_s sums over all lives of the server since the run began.
  uint32_t restarts = 0;
  uint64_t number = 0;  ///< Grows with each success: the same number again means a gap.
};

class UsageSource {
 public:
  virtual ~UsageSource() = default;
  /// Of the side of the users.
  virtual ProcessUse generator() const = 0;
  /// The newest sample of the server; nullopt before the first.
  virtual std::optional<ServerSample> server() const = 0;
};

}  // namespace chat::sim
