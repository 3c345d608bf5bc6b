// Faults: what goes wrong on purpose with the ports of a chatd that runs with --fault-injection.
// Decorators ask it before each call; the admin port changes it while they wait. It knows no port.
// Thread rule: every function from any thread.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <span>
#include <string>
#include <string_view>

#include "core/base/error.h"
#include "core/base/random.h"

namespace chat {

struct FaultPlan {
  uint32_t store_slow_ms = 0;         ///< Before each read and each write.
  uint32_t store_fail_one_in = 0;     ///< Commands that fail and do nothing; 0 = never.
  uint32_t store_unknown_one_in = 0;  ///< Writes answered `unknown`, half of them done; 0 = never.
  bool store_hang_reads = false;      ///< Nothing is answered until this is taken back.
  bool store_hang_writes = false;
  uint32_t delay_log_slow_ms = 0;  ///< Before each write.
  uint32_t delay_log_fail_one_in = 0;
  bool delay_log_hang = false;

  bool operator==(const FaultPlan&) const = default;
};

/// One field of FaultPlan by its name; booleans are 0 and 1 as numbers.
struct FaultField {
  std::string_view name;
  uint32_t FaultPlan::*number = nullptr;
  bool FaultPlan::*flag = nullptr;
};
std::span<const FaultField> fault_fields();
/// Sets the field of that name from text: a number, true or false. Error invalid_argument: an
/// unknown name, with the nearest known one, or a wrong value.
Status set_fault(FaultPlan& plan, std::string_view name, std::string_view text);

class Faults {
 public:
  FaultPlan plan() const;
  /// What hangs and is not to hang any more goes on.
  void set(const FaultPlan& plan);
  /// The process ends: nothing goes wrong any more, for good.
  void end();

  /// Waits as long as the plan says, for the hanging flag and the pause that are given.
  void wait(bool FaultPlan::*hang, uint32_t FaultPlan::*slow_ms);
  /// True once in as many calls as the field says, by chance.
  bool happens(uint32_t FaultPlan::*one_in);
  bool coin();

 private:
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  FaultPlan plan_;
  Random random_{1};
  bool ended_ = false;
};

}  // namespace chat
