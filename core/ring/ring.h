// Ring: which live engine is home of a chat or a user, by consistent hashing.
// Every engine has kPointsPerEngine points on a circle of 64-bit hashes; a key belongs to the next
// point. A point depends on the EngineId alone, so an engine keeps its keys over a restart, and
// adding or removing one of N engines moves about 1/N of the keys. Hashes and points are frozen:
// all nodes of a cluster must agree on them. Immutable once made. Thread rule: plain value.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "core/base/ids.h"

namespace chat {

class Ring {
 public:
  /// More points spread keys more evenly: with 128 the busiest of ten engines has about 1.2 times
  /// the mean.
  static constexpr uint32_t kPointsPerEngine = 128;

  Ring() = default;
  /// The order of `engines` does not matter; of several incarnations of one engine the latest
  /// counts.
  explicit Ring(std::vector<EngineRef> engines);

  /// The home of the key; the EngineRef without an id when the ring is empty.
  EngineRef owner(uint64_t key_hash) const;
  EngineRef owner(UserId user) const;
  EngineRef owner(const ChatId& chat) const;

  bool empty() const { return engines_.empty(); }
  /// The engines by ascending id.
  std::span<const EngineRef> engines() const { return engines_; }
  /// True when this very incarnation is on the ring.
  bool contains(const EngineRef& engine) const;

  /// Equal for equal rings, on every engine.
  uint64_t digest() const;

  bool operator==(const Ring& other) const { return engines_ == other.engines_; }

 private:
  struct Point {
    uint64_t hash;
    uint32_t engine;
  };

  std::vector<EngineRef> engines_;
  std::vector<Point> points_;
};

}  // namespace chat
