#include "sim/oracle/seq_set.h"

#include <algorithm>

namespace chat::sim {

SeqSet::Added SeqSet::add(uint64_t seq) {
  const bool above = empty() || seq > hull_.last;
  if (!above && contains(seq)) return Added::repeated;
  add(SeqRange{seq, seq});
  return above ? Added::next : Added::late;
}

void SeqSet::add(SeqRange range) {
  if (range.size() == 0) return;
  if (empty()) {
    hull_ = range;
    return;
  }
  fill(range);
  extend(range);
}

// Widens the hull to include `range`; what lies between becomes a gap.
void SeqSet::extend(SeqRange range) {
  if (range.last > hull_.last) {
    if (range.first > hull_.last + 1) {
      if (!gaps_) gaps_ = std::make_unique<std::vector<SeqRange>>();
      gaps_->push_back({hull_.last + 1, range.first - 1});
    }
    hull_.last = range.last;
  }
  if (range.first < hull_.first) {
    if (range.last + 1 < hull_.first) {
      if (!gaps_) gaps_ = std::make_unique<std::vector<SeqRange>>();
      gaps_->insert(gaps_->begin(), {range.last + 1, hull_.first - 1});
    }
    hull_.first = range.first;
  }
}

// Takes `range` out of the gaps.
void SeqSet::fill(SeqRange range) {
  if (!gaps_) return;
  std::vector<SeqRange>& gaps = *gaps_;
  auto begin = std::partition_point(gaps.begin(), gaps.end(),
                                    [&](const SeqRange& gap) { return gap.last < range.first; });
  auto end = std::partition_point(begin, gaps.end(),
                                  [&](const SeqRange& gap) { return gap.first <= range.last; });
  if (begin == end) return;
  const SeqRange left{begin->first, range.first - 1};
  const SeqRange right{range.last + 1, std::prev(end)->last};
  auto at = gaps.erase(begin, end);
  if (right.size() > 0) at = gaps.insert(at, right);
  if (left.size() > 0) gaps.insert(at, left);
  if (gaps.empty()) gaps_.reset();
}

bool SeqSet::contains(uint64_t seq) const {
  if (seq < hull_.first || seq > hull_.last) return false;
  if (!gaps_) return true;
  auto gap = std::partition_point(gaps_->begin(), gaps_->end(),
                                  [&](const SeqRange& g) { return g.last < seq; });
  return gap == gaps_->end() || seq < gap->first;
}

std::vector<SeqRange> SeqSet::missing(SeqRange within) const {
  if (within.size() == 0) return {};
  if (empty() || within.last < hull_.first || within.first > hull_.last) return {within};
  std::vector<SeqRange> result;
  if (within.first < hull_.first) result.push_back({within.first, hull_.first - 1});
  if (gaps_) {
    for (const SeqRange& gap : *gaps_) {
      const SeqRange part{std::max(gap.first, within.first), std::min(gap.last, within.last)};
      if (part.size() > 0) result.push_back(part);
    }
  }
  if (within.last > hull_.last) result.push_back({hull_.last + 1, within.last});
  return result;
}

uint64_t SeqSet::count(SeqRange within) const {
  uint64_t absent = 0;
  for (const SeqRange& range : missing(within)) absent += range.size();
  return within.size() - absent;
}

}  // namespace chat::sim
