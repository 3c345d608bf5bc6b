// MemoryDelayLog: a DelayLog in memory, deterministic, with the semantics of the durable one. It
// outlives the engines that use it, as files do; it never delays or loses anything: drivers do
// that. Thread rule: one thread at a time.
#pragma once

#include <map>
#include <vector>

#include "core/store/delay_log.h"

namespace chat {

class MemoryDelayLog : public DelayLog {
 public:
  std::vector<Status> write(std::span<const DelayCommand> commands) override;
  Result<std::vector<DelayEntry>> load() override;

 private:
  std::map<uint64_t, DelayEntry> entries_;  ///< By position.
  std::map<DelayKey, uint64_t> positions_;
  uint64_t next_position_ = 1;
};

}  // namespace chat
