// ChatSizes: to how many others a message goes, by the scenario's chats and mix, without making the
// chats. A user is in more large groups than small ones, so sizes of groups are drawn by their
// number of members. Thread rule: read by any.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "sim/scenario/scenario.h"

namespace chat::sim {

class ChatSizes {
 public:
  explicit ChatSizes(const Scenario& scenario);

  /// Members besides the author of the chat that 32 uniform bits pick.
  uint32_t others(uint32_t pick) const {
    size_t at = guide_[pick >> kGuideShift];
    while (pick > last_pick_[at]) ++at;
    return others_[at];
  }
  /// The mean of others().
  double mean_others() const;

 private:
  static constexpr uint32_t kGuideShift = 22;

  std::vector<uint32_t>
      last_pick_;  ///< Ascending, one per size in use; the last one is the largest.
  std::vector<uint32_t> others_;
  std::array<uint32_t, (1u << (32 - kGuideShift))> guide_{};  ///< Where to begin to look.
};

}  // namespace chat::sim
