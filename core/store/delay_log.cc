#include "core/store/delay_log.h"

#include <algorithm>

#include "core/ring/ring.h"

namespace chat {

std::vector<std::vector<DelayEntry>> share_delayed(std::vector<DelayEntry> entries,
                                                   const std::vector<EngineRef>& engines) {
  std::vector<std::vector<DelayEntry>> shares(engines.size());
  const Ring ring(engines);
  for (DelayEntry& entry : entries) {
    const auto owner = std::find(engines.begin(), engines.end(), ring.owner(entry.chat));
    shares[static_cast<size_t>(owner - engines.begin())].push_back(std::move(entry));
  }
  return shares;
}

}  // namespace chat
