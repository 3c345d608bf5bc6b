#include "core/ring/ring.h"

#include <algorithm>

#include "core/base/digest.h"

namespace chat {
namespace {

// Frozen: the first word keeps points, users and chats from hashing alike.
enum class HashKind : uint64_t { point = 1, user = 2, chat = 3 };

uint64_t hash_of(HashKind kind, uint64_t a, uint64_t b) {
  Digest digest;
  digest.add(static_cast<uint64_t>(kind));
  digest.add(a);
  digest.add(b);
  return digest.value();
}

}  // namespace

Ring::Ring(std::vector<EngineRef> engines) : engines_(std::move(engines)) {
  std::sort(engines_.begin(), engines_.end(), [](const EngineRef& a, const EngineRef& b) {
    return a.id != b.id ? a.id < b.id : a.incarnation > b.incarnation;
  });
  const auto same_id = [](const EngineRef& a, const EngineRef& b) { return a.id == b.id; };
  engines_.erase(std::unique(engines_.begin(), engines_.end(), same_id), engines_.end());
  points_.reserve(engines_.size() * kPointsPerEngine);
  for (uint32_t engine = 0; engine < engines_.size(); ++engine) {
    for (uint32_t i = 0; i < kPointsPerEngine; ++i) {
      points_.push_back({hash_of(HashKind::point, engines_[engine].id.value, i), engine});
    }
  }
  std::sort(points_.begin(), points_.end(), [](const Point& a, const Point& b) {
    return a.hash != b.hash ? a.hash < b.hash : a.engine < b.engine;
  });
}

EngineRef Ring::owner(uint64_t key_hash) const {
  if (points_.empty()) return {};
  auto it = std::lower_bound(points_.begin(), points_.end(), key_hash,
                             [](const Point& point, uint64_t hash) { return point.hash < hash; });
  if (it == points_.end()) it = points_.begin();
  return engines_[it->engine];
}

EngineRef Ring::owner(UserId user) const { return owner(hash_of(HashKind::user, user.value, 0)); }

EngineRef Ring::owner(const ChatId& chat) const {
  return owner(hash_of(HashKind::chat, chat.hash(), 0));
}

bool Ring::contains(const EngineRef& engine) const {
  return std::binary_search(engines_.begin(), engines_.end(), engine);
}

uint64_t Ring::digest() const {
  Digest digest;
  for (const EngineRef& engine : engines_) {
    digest.add(engine.id.value);
    digest.add(engine.incarnation.value);
  }
  return digest.value();
}

}  // namespace chat
