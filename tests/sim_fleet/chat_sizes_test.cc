#include "sim/fleet/chat_sizes.h"

#include <gtest/gtest.h>

#include <map>

namespace chat::sim {
namespace {

std::map<uint32_t, double> shares_of(const ChatSizes& sizes) {
  constexpr uint32_t kPicks = 100'000;
  std::map<uint32_t, double> shares;
  for (uint32_t i = 0; i < kPicks; ++i) {
    shares[sizes.others(static_cast<uint32_t>((uint64_t{i} << 32) / kPicks))] += 1.0 / kPicks;
  }
  return shares;
}

TEST(ChatSizes, FollowTheMix) {
  Scenario scenario;
  scenario.chats = {.direct_per_user = 1,
                    .groups = 1,
                    .group_size = {.min = 3, .max = 3},
                    .rooms = 1,
                    .room_size = 1'000};
  scenario.sends.direct_share = 6;
  scenario.sends.group_share = 3;
  scenario.sends.room_share = 1;
  const ChatSizes sizes(scenario);
  const auto shares = shares_of(sizes);
  ASSERT_EQ(shares.size(), 3u);
  EXPECT_NEAR(shares.at(1), 0.6, 1e-4);
  EXPECT_NEAR(shares.at(2), 0.3, 1e-4);
  EXPECT_NEAR(shares.at(999), 0.1, 1e-4);
  EXPECT_NEAR(sizes.mean_others(), 0.6 + 0.6 + 99.9, 1e-3);
  EXPECT_EQ(sizes.others(UINT32_MAX), 2u);
}

TEST(ChatSizes, PreferLargeGroupsForTheyHaveMoreMembers) {
  Scenario scenario;
  scenario.chats.groups = 1;
  scenario.chats.group_size = {.min = 10, .max = 30, .skew = 0};
  const auto shares = shares_of(ChatSizes(scenario));
  EXPECT_EQ(shares.size(), 21u);
  EXPECT_NEAR(shares.at(29) / shares.at(9), 3, 0.02);
}

TEST(ChatSizes, OfAScenarioWithoutChatsAreNone) {
  EXPECT_EQ(ChatSizes(Scenario()).others(12345), 0u);
}

}  // namespace
}  // namespace chat::sim
