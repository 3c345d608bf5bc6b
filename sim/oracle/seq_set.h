// SeqSet: a set of sequence numbers that is nearly one range: the range, and the gaps in it.
// What has been seen of a stream costs three words as long as nothing is missing.
// Thread rule: plain value.
#pragma once

#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

namespace chat::sim {

/// Both ends included; empty when last < first.
struct SeqRange {
  uint64_t first = 1;
  uint64_t last = 0;
  bool operator==(const SeqRange&) const = default;
  uint64_t size() const { return last < first ? 0 : last - first + 1; }
};

class SeqSet {
 public:
  enum class Added : uint8_t {
    next,      ///< Above everything seen so far.
    late,      ///< Below the highest, and not seen before.
    repeated,  ///< Seen before.
  };

  Added add(uint64_t seq);
  void add(SeqRange range);
  bool contains(uint64_t seq) const;
  bool empty() const { return hull_.last < hull_.first; }
  /// The lowest and highest element; empty when the set is.
  SeqRange hull() const { return hull_; }
  /// The parts of `within` that are not in the set, ascending.
  std::vector<SeqRange> missing(SeqRange within) const;
  /// How many elements of the set lie in `within`.
  uint64_t count(SeqRange within) const;

 private:
  void extend(SeqRange range);
  void fill(SeqRange range);

  SeqRange hull_;
  std::unique_ptr<std::vector<SeqRange>> gaps_;  ///< Ascending, inside the hull, never adjacent.
};

}  // namespace chat::sim
