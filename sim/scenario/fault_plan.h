// FaultPlan: what goes wrong in a virtual run and when, drawn from the seed before the run. A rule
// says it for one time or by a rate; the plan makes one fault at a time. Nothing that happens in
// the run consumes a draw. Thread rule: one thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "core/base/error.h"
#include "core/base/random.h"
#include "core/base/time.h"

namespace chat::sim {

enum class FaultKind : uint8_t {
  crash,        ///< A process ends without a word and is down for a while.
  partition,    ///< Two processes do not reach each other.
  slow_disk,    ///< Disks take a factor longer.
  store_stall,  ///< The store answers nobody.
  store_error,  ///< A share of the store's commands fails.
  drop,         ///< The links of a share of the devices break at once.
  clock_skew,   ///< The wall clock of a process is wrong.
};
inline constexpr FaultKind kFaultKinds[] = {
    FaultKind::crash,       FaultKind::partition, FaultKind::slow_disk,  FaultKind::store_stall,
    FaultKind::store_error, FaultKind::drop,      FaultKind::clock_skew,
};
std::string_view name_of(FaultKind kind);

/// One entry of `faults`. Times count from the beginning of the run phase.
struct FaultRule {
  FaultKind kind = FaultKind::crash;
  std::optional<Duration> at;  ///< Once, at this time;
  Duration every;              ///< or at random times with this mean gap, in the whole run phase.
  Duration lasts = seconds(5);
  uint32_t process = 0;  ///< crash, partition, clock_skew: 1 … processes; 0 = any, drawn each time.
  double share = 1;      ///< store_error: of the commands; drop: of the devices.
  double factor = 10;    ///< slow_disk
  Duration ahead = {};  ///< clock_skew: negative = behind.
};

struct Fault {
  Duration at;
  FaultKind kind = FaultKind::crash;
  Duration lasts;
  uint32_t process = 0;  ///< From 0.
  uint32_t other = 0;    ///< partition: the other one.
  double share = 0;
  double factor = 1;
  Duration ahead;
  uint64_t draw = 0;  ///< drop: the seed of the choice of devices.
};

class FaultPlan {
 public:
  /// Faults before `length`, among `processes`; `rules` outlive the plan.
  FaultPlan(const std::vector<FaultRule>& rules, uint32_t processes, Duration length,
            const Random& random);

  /// The next fault, in time order, equal times in the order of the rules; nullopt when there are
  /// no more.
  std::optional<Fault> next();

 private:
  struct Source {
    const FaultRule* rule;
    Random random;
    std::optional<Duration> next;
  };

  std::optional<Duration> time_after(Source& source, Duration from) const;

  uint32_t processes_;
  Duration length_;
  std::vector<Source> sources_;
};

/// Errors: invalid_argument that names the entry, the key and the remedy.
Status check_faults(const std::vector<FaultRule>& rules, uint32_t processes, Duration length);

}  // namespace chat::sim
