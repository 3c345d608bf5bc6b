#include "sim/fleet/chat_sizes.h"

#include <algorithm>
#include <cmath>

namespace chat::sim {
namespace {

constexpr double kTwo32 = 4294967296.0;

struct Share {
  uint32_t others;
  double weight;
};

std::vector<Share> shares_of(const Scenario& scenario) {
  const ChatMix& chats = scenario.chats;
  const SendLoad& sends = scenario.sends;
  std::vector<Share> shares;
  if (chats.direct_per_user > 0) shares.push_back({1, sends.direct_share});
  if (chats.rooms > 0) shares.push_back({chats.room_size - 1, sends.room_share});
  if (chats.groups == 0) return shares;
  const SizeRange& size = chats.group_size;
  double members = 0;
  const auto weight = [&](uint32_t of) { return of * std::pow(of - size.min + 1, -size.skew); };
  for (uint32_t of = size.min; of <= size.max; ++of) members += weight(of);
  for (uint32_t of = size.min; of <= size.max; ++of) {
    shares.push_back({of - 1, sends.group_share * weight(of) / members});
  }
  return shares;
}

}  // namespace

ChatSizes::ChatSizes(const Scenario& scenario) {
  const std::vector<Share> shares = shares_of(scenario);
  double sum = 0;
  for (const Share& share : shares) sum += share.weight;
  double below = 0;
  for (const Share& share : shares) {
    below += share.weight;
    const auto last = static_cast<uint64_t>(below / sum * kTwo32);
    if (last == 0 || (!last_pick_.empty() && last - 1 <= last_pick_.back())) continue;
    last_pick_.push_back(static_cast<uint32_t>(last - 1));
    others_.push_back(share.others);
  }
  // Without chats nothing is sent; the table still has an answer.
  if (others_.empty()) {
    last_pick_.push_back(0);
    others_.push_back(0);
  }
  last_pick_.back() = UINT32_MAX;
  for (uint32_t i = 0; i < guide_.size(); ++i) {
    const auto found = std::lower_bound(last_pick_.begin(), last_pick_.end(), i << kGuideShift);
    guide_[i] = static_cast<uint32_t>(found - last_pick_.begin());
  }
}

double ChatSizes::mean_others() const {
  double sum = 0, below = 0;
  for (size_t i = 0; i < others_.size(); ++i) {
    const double above = last_pick_[i] + 1.0;
    sum += others_[i] * (above - below);
    below = above;
  }
  return sum / kTwo32;
}

}  // namespace chat::sim
