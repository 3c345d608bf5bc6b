#include "core/presence/presence_wheel.h"

#include <algorithm>

namespace chat {

void PresenceWheel::sweep(uint32_t tick, std::vector<uint32_t>& expired_out) {
  const auto old_size = static_cast<std::ptrdiff_t>(expired_out.size());
  wheel_.collect(tick, expired_out);
  std::sort(expired_out.begin() + old_size, expired_out.end(), [this](uint32_t a, uint32_t b) {
    const uint32_t deadline_a = wheel_.deadline(a), deadline_b = wheel_.deadline(b);
    return deadline_a != deadline_b ? deadline_a < deadline_b : a < b;
  });
}

double PresenceWheel::bytes_per_slot() const {
  return size() == 0 ? 0 : static_cast<double>(memory_bytes()) / static_cast<double>(size());
}

}  // namespace chat
