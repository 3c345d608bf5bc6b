// Zipf: draws ranks 0…n-1 with probability proportional to (rank + 1)^-exponent; exponent 0 is
// uniform. A cumulative table and a binary search: exact, and one draw of the Random per sample.
// Thread rule: read by any.
#pragma once

#include <cstdint>
#include <vector>

#include "core/base/random.h"

namespace chat::sim {

class Zipf {
 public:
  Zipf(uint32_t count, double exponent);

  uint32_t draw(Random& random) const;
  /// As draw(), among the first `count` ranks only; count is at least 1 and at most the table's.
  uint32_t draw_first(uint32_t count, Random& random) const;

 private:
  std::vector<double> cumulative_;  ///< Not normalised: entry i is the weight of ranks 0…i.
};

}  // namespace chat::sim
