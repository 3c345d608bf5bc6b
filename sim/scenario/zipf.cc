#include "sim/scenario/zipf.h"

#include <algorithm>
#include <cmath>

#include "core/base/assert.h"

namespace chat::sim {

Zipf::Zipf(uint32_t count, double exponent) {
  CHAT_ASSERT(count > 0);
  cumulative_.reserve(count);
  double sum = 0;
  for (uint32_t rank = 0; rank < count; ++rank) {
    sum += std::pow(rank + 1, -exponent);
    cumulative_.push_back(sum);
  }
}

uint32_t Zipf::draw(Random& random) const {
  return draw_first(static_cast<uint32_t>(cumulative_.size()), random);
}

uint32_t Zipf::draw_first(uint32_t count, Random& random) const {
  CHAT_ASSERT(count > 0 && count <= cumulative_.size());
  const auto end = cumulative_.begin() + count;
  const double mark = random.unit() * *(end - 1);
  const auto found = std::upper_bound(cumulative_.begin(), end, mark);
  return static_cast<uint32_t>(std::min(found, end - 1) - cumulative_.begin());
}

}  // namespace chat::sim
