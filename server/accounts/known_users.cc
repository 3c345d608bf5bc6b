#include "server/accounts/known_users.h"

#include <mutex>

namespace chat {

void KnownUsers::add(std::span<const UserId> users) {
  std::unique_lock lock(mutex_);
  for (const UserId user : users) {
    Block& block = blocks_[user.value / kBlockBits];
    uint64_t& word = block[user.value % kBlockBits / 64];
    const uint64_t bit = uint64_t{1} << (user.value % 64);
    if (!(word & bit)) ++size_;
    word |= bit;
  }
}

std::vector<UserId> KnownUsers::missing(std::span<const UserId> users) const {
  std::vector<UserId> result;
  std::shared_lock lock(mutex_);
  for (const UserId user : users) {
    if (!has(user)) result.push_back(user);
  }
  return result;
}

uint64_t KnownUsers::size() const {
  std::shared_lock lock(mutex_);
  return size_;
}

bool KnownUsers::has(UserId user) const {
  const auto block = blocks_.find(user.value / kBlockBits);
  if (block == blocks_.end()) return false;
  return block->second[user.value % kBlockBits / 64] >> (user.value % 64) & 1;
}

}  // namespace chat
