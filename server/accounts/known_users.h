// KnownUsers: the set of all user ids, in memory: one bit per id in blocks of 512, so that runs of
// ids cost a fifth of a byte each. Thread rule: every function from any thread; has() of many takes
// one shared lock.
#pragma once

#include <array>
#include <cstdint>
#include <shared_mutex>
#include <span>
#include <unordered_map>
#include <vector>

#include "core/base/ids.h"

namespace chat {

class KnownUsers {
 public:
  void add(std::span<const UserId> users);
  /// Those of `users` that are not known, in the same order.
  std::vector<UserId> missing(std::span<const UserId> users) const;
  uint64_t size() const;

 private:
  static constexpr uint64_t kBlockBits = 512;
  using Block = std::array<uint64_t, kBlockBits / 64>;

  bool has(UserId user) const;

  mutable std::shared_mutex mutex_;
  std::unordered_map<uint64_t, Block> blocks_;
  uint64_t size_ = 0;
};

}  // namespace chat
