#include "core/ring/ring.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>

namespace chat {
namespace {

std::vector<EngineRef> engines(uint64_t count) {
  std::vector<EngineRef> out;
  for (uint64_t i = 1; i <= count; ++i) out.push_back({EngineId{i}, Incarnation{100 + i}});
  return out;
}

TEST(Ring, OfOneEngineGivesItEverything) {
  const Ring ring(engines(1));
  for (uint64_t user = 1; user < 100; ++user) {
    EXPECT_EQ(ring.owner(UserId{user}).id, EngineId{1});
  }
  EXPECT_EQ(ring.owner(UINT64_MAX).id, EngineId{1});
}

TEST(Ring, WithoutEnginesHasNoOwners) {
  const Ring ring;
  EXPECT_TRUE(ring.empty());
  EXPECT_FALSE(ring.owner(UserId{1}).id);
  EXPECT_FALSE(ring.owner(ChatId::named("a")).id);
}

TEST(Ring, DoesNotDependOnTheOrderOfItsEngines) {
  auto reversed = engines(5);
  std::reverse(reversed.begin(), reversed.end());
  const Ring a(engines(5)), b(reversed);
  EXPECT_EQ(a, b);
  for (uint64_t key = 0; key < 1'000; ++key) {
    EXPECT_EQ(a.owner(UserId{key}), b.owner(UserId{key}));
  }
}

TEST(Ring, HasADigestThatTellsEnginesAndTheirLivesApart) {
  auto some = engines(3);
  const uint64_t digest = Ring(some).digest();
  std::reverse(some.begin(), some.end());
  EXPECT_EQ(Ring(some).digest(), digest);
  EXPECT_NE(Ring(engines(2)).digest(), digest);
  ++some.front().incarnation.value;
  EXPECT_NE(Ring(some).digest(), digest);
}

TEST(Ring, SpreadsUsersAndChatsEvenly) {
  const Ring ring(engines(10));
  std::map<uint64_t, int> users, chats;
  for (uint64_t key = 1; key <= 100'000; ++key) {
    ++users[ring.owner(UserId{key}).id.value];
    ++chats[ring.owner(ChatId::named(std::to_string(key))).id.value];
  }
  for (const auto& counts : {users, chats}) {
    ASSERT_EQ(counts.size(), 10u);
    for (const auto& [engine, count] : counts) EXPECT_NEAR(count, 10'000, 3'000) << engine;
  }
}

TEST(Ring, AddingOneOfNMovesAboutOneNthAndOnlyToTheNewcomer) {
  for (uint64_t n : {2u, 3u, 10u, 50u}) {
    const Ring before(engines(n - 1)), after(engines(n));
    constexpr uint64_t kKeys = 50'000;
    uint64_t moved = 0;
    for (uint64_t key = 1; key <= kKeys; ++key) {
      const EngineRef owner = after.owner(UserId{key});
      if (owner == before.owner(UserId{key})) continue;
      EXPECT_EQ(owner.id, EngineId{n});
      ++moved;
    }
    EXPECT_NEAR(static_cast<double>(moved) / kKeys, 1.0 / static_cast<double>(n),
                0.4 / static_cast<double>(n));
  }
}

TEST(Ring, KeepsTheKeysOfARestartedEngine) {
  auto restarted = engines(3);
  restarted[1].incarnation = Incarnation{999};
  const Ring before(engines(3)), after(restarted);
  for (uint64_t key = 1; key <= 1'000; ++key) {
    EXPECT_EQ(before.owner(UserId{key}).id, after.owner(UserId{key}).id);
  }
  EXPECT_TRUE(after.contains(restarted[1]));
  EXPECT_FALSE(after.contains(engines(3)[1]));
  EXPECT_FALSE(before == after);
}

TEST(Ring, TakesTheLatestOfSeveralIncarnations) {
  const Ring ring({{EngineId{1}, Incarnation{5}}, {EngineId{1}, Incarnation{6}}});
  ASSERT_EQ(ring.engines().size(), 1u);
  EXPECT_EQ(ring.engines()[0].incarnation, Incarnation{6});
}

TEST(Ring, HashesAreFrozen) {
  const Ring ring(engines(7));
  std::string owners;
  for (uint64_t key = 1; key <= 24; ++key) {
    owners += std::to_string(ring.owner(UserId{key}).id.value);
    owners += std::to_string(ring.owner(ChatId::named(std::to_string(key))).id.value);
  }
  EXPECT_EQ(owners, "767236317735447164541632434454735717774655213613");
}

}  // namespace
}  // namespace chat
