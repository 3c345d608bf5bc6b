// FaultyDelayLog: a DelayLog whose writes are slow, hang or fail as Faults says; else those of the
// log that it decorates. Owns nothing. Thread rule: as DelayLog.
#pragma once

#include "core/store/delay_log.h"
#include "server/faults/faults.h"

namespace chat {

class FaultyDelayLog : public DelayLog {
 public:
  /// Both outlive this.
  FaultyDelayLog(DelayLog& log, Faults& faults) : log_(log), faults_(faults) {}

  std::vector<Status> write(std::span<const DelayCommand> commands) override;
  Result<std::vector<DelayEntry>> load() override { return log_.load(); }

 private:
  DelayLog& log_;
  Faults& faults_;
};

}  // namespace chat
