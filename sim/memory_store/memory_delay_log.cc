#include "sim/memory_store/memory_delay_log.h"

namespace chat {

std::vector<Status> MemoryDelayLog::write(std::span<const DelayCommand> commands) {
  for (const DelayCommand& command : commands) {
    if (const auto* append = std::get_if<DelayAppend>(&command)) {
      for (const DelayEntry& entry : append->entries) {
        if (!positions_.emplace(entry.key, next_position_).second) continue;
        entries_.emplace(next_position_++, entry);
      }
      continue;
    }
    for (const DelayKey& key : std::get<DelayRemove>(command).keys) {
      const auto found = positions_.find(key);
      if (found == positions_.end()) continue;
      entries_.erase(found->second);
      positions_.erase(found);
    }
  }
  return std::vector<Status>(commands.size());
}

Result<std::vector<DelayEntry>> MemoryDelayLog::load() {
  std::vector<DelayEntry> entries;
  for (const auto& [position, entry] : entries_) entries.push_back(entry);
  return entries;
}

}  // namespace chat
