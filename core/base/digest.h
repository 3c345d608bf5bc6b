// Digest: a running 64-bit fingerprint of bytes and numbers, for hashing keys and comparing whole
// runs. FNV-1a over 64-bit words with a SplitMix finaliser; frozen, for the ring and stored content
// hashes use it. Not for security. Thread rule: plain value.
#pragma once

#include <cstdint>
#include <cstring>
#include <string_view>

namespace chat {

class Digest {
 public:
  void add(uint64_t word) {
    state_ = (state_ ^ word) * kPrime;
    state_ ^= state_ >> 29;
  }

  void add(std::string_view bytes) {
    add(bytes.size());
    while (bytes.size() >= 8) {
      uint64_t word;
      std::memcpy(&word, bytes.data(), 8);
      add(word);
      bytes.remove_prefix(8);
    }
    uint64_t tail = 0;
    if (!bytes.empty()) std::memcpy(&tail, bytes.data(), bytes.size());
    add(tail);
  }

  uint64_t value() const {
    uint64_t x = state_;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ull;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebull;
    return x ^ (x >> 31);
  }

 private:
  static constexpr uint64_t kPrime = 0x100000001b3ull;
  uint64_t state_ = 0xcbf29ce484222325ull;
};

inline uint64_t hash_bytes(std::string_view bytes) {
  Digest digest;
  digest.add(bytes);
  return digest.value();
}

}  // namespace chat
