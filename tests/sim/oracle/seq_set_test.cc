#include "sim/oracle/seq_set.h"

#include <gtest/gtest.h>

#include <set>

#include "core/base/random.h"

namespace chat::sim {
namespace {

TEST(SeqSet, TellsNextFromLateFromRepeated) {
  SeqSet set;
  EXPECT_EQ(set.add(5), SeqSet::Added::next);
  EXPECT_EQ(set.add(8), SeqSet::Added::next);
  EXPECT_EQ(set.add(6), SeqSet::Added::late);
  EXPECT_EQ(set.add(6), SeqSet::Added::repeated);
  EXPECT_EQ(set.add(2), SeqSet::Added::late);
  EXPECT_EQ(set.hull(), (SeqRange{2, 8}));
}

TEST(SeqSet, AgreesWithAPlainSet) {
  for (uint64_t seed = 1; seed <= 200; ++seed) {
    Random random(seed);
    SeqSet set;
    std::set<uint64_t> plain;
    for (int i = 0; i < 60; ++i) {
      const uint64_t first = 1 + random.below(60);
      const SeqRange range{first, first + random.below(4)};
      set.add(range);
      for (uint64_t s = range.first; s <= range.last; ++s) plain.insert(s);
      const SeqRange within{1 + random.below(60), 1 + random.below(60)};
      uint64_t count = 0, absent = 0;
      for (uint64_t s = within.first; s <= within.last; ++s) {
        ASSERT_EQ(set.contains(s), plain.contains(s)) << "seed " << seed << " seq " << s;
        ++(plain.contains(s) ? count : absent);
      }
      ASSERT_EQ(set.count(within), count);
      for (const SeqRange& gap : set.missing(within)) absent -= gap.size();
      ASSERT_EQ(absent, 0u);
    }
  }
}

}  // namespace
}  // namespace chat::sim
