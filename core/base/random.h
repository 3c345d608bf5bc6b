// Random: the one source of chance, seeded, integer based, the same on every platform.
// xoshiro256** 1.0 by Blackman and Vigna (public domain algorithm, https://prng.di.unimi.it),
// seeded through SplitMix64. Each component owns a fork, so that one component's draws never shift
// another's.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace chat {

class Random {
 public:
  explicit Random(uint64_t seed);

  /// A generator of its own for the component `name`; does not advance this one.
  Random fork(std::string_view name) const;
  Random fork(std::string_view name, uint64_t index) const;

  uint64_t next();
  /// Uniform in [0, bound); 0 when bound is 0. Unbiased (Lemire's multiply with rejection).
  uint64_t below(uint64_t bound);
  /// Uniform in [low, high], both included.
  int64_t between(int64_t low, int64_t high);
  /// Uniform in [0, 1) with 53 bits.
  double unit();
  /// True with probability `numerator / denominator`.
  bool chance(uint64_t numerator, uint64_t denominator) { return below(denominator) < numerator; }
  /// Exponentially distributed with the given mean: the gap between Poisson arrivals.
  double exponential(double mean);

 private:
  std::array<uint64_t, 4> state_;
};

/// SplitMix64's finaliser: a good 64-bit mix for hashing integers.
constexpr uint64_t mix64(uint64_t x) {
  x += 0x9e3779b97f4a7c15ull;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ull;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebull;
  return x ^ (x >> 31);
}

}  // namespace chat
