#include "sim/live/process_sampler.h"

#include <gtest/gtest.h>

namespace chat::sim {
namespace {

TEST(ProcessUse, ReadsThisProcessAndKnowsWhenThereIsNone) {
  EXPECT_GT(own_use().rss_bytes, 1'000'000u);
  EXPECT_FALSE(process_use(-1));
}

}  // namespace
}  // namespace chat::sim
