#include "server/faults/faulty_delay_log.h"

namespace chat {

std::vector<Status> FaultyDelayLog::write(std::span<const DelayCommand> commands) {
  faults_.wait(&FaultPlan::delay_log_hang, &FaultPlan::delay_log_slow_ms);
  if (!faults_.happens(&FaultPlan::delay_log_fail_one_in)) return log_.write(commands);
  const Status failed = make_error(ErrorCode::unavailable, "failed on purpose");
  return std::vector<Status>(commands.size(), failed);
}

}  // namespace chat
