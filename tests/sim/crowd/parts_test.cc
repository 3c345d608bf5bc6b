// The parts of a crowd that need no world: stamps, timers, ids.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "core/base/random.h"
#include "sim/crowd/roster.h"
#include "sim/crowd/stamp.h"
#include "sim/crowd/user_timers.h"

namespace chat::sim {
namespace {

using ::testing::HasSubstr;

TEST(Stamp, RoundTripsThroughTheTextAndRepeatsTheSameText) {
  const Stamp stamp{.run = 0x3fffff,
                    .sender = 0xffffffff,
                    .n = 7,
                    .intended = {123'456'789'012'345},
                    .actual = {INT64_MAX}};
  const std::string text = stamped_text(stamp, 200);
  EXPECT_EQ(text.size(), 200u);
  EXPECT_EQ(read_stamp(text), stamp);
  EXPECT_EQ(text, stamped_text(stamp, 200));
  EXPECT_EQ(read_stamp(stamped_text(stamp, kTextBytesMin)), stamp);
}

TEST(Stamp, IsNotFoundInOtherTexts) {
  EXPECT_FALSE(read_stamp(""));
  EXPECT_FALSE(read_stamp("hello"));
  EXPECT_FALSE(read_stamp(std::string(200, 'A')));
  EXPECT_FALSE(read_stamp("~" + std::string(200, '!')));
}

TEST(UserTimers, GiveUsersInTheOrderOfTheirDeadlines) {
  UserTimers timers(3);
  timers.set(0, {30});
  timers.set(1, {10});
  timers.set(2, {20});
  timers.set(1, {40});
  EXPECT_EQ(timers.next(), Instant{20});
  EXPECT_EQ(timers.pop_due({19}), std::nullopt);
  EXPECT_EQ(timers.pop_due({35}), 2u);
  EXPECT_EQ(timers.pop_due({35}), 0u);
  EXPECT_EQ(timers.pop_due({35}), std::nullopt);
  timers.set(1, kNever);
  EXPECT_EQ(timers.next(), kNever);
}

TEST(UserTimers, StayOrderedUnderRandomChanges) {
  constexpr uint32_t kUsers = 200;
  Random random(6);
  UserTimers timers(kUsers);
  std::vector<Instant> expected(kUsers, kNever);
  for (int i = 0; i < 20'000; ++i) {
    const auto user = static_cast<uint32_t>(random.below(kUsers));
    expected[user] = random.chance(1, 8) ? kNever : Instant{random.between(0, 1'000)};
    timers.set(user, expected[user]);
    if (!random.chance(1, 4)) continue;
    const Instant now{random.between(0, 1'000)};
    const Instant earliest = *std::min_element(expected.begin(), expected.end());
    EXPECT_EQ(timers.next(), earliest);
    if (const auto due = timers.pop_due(now)) {
      EXPECT_EQ(expected[*due], earliest);
      expected[*due] = kNever;
    } else {
      EXPECT_GT(earliest, now);
    }
  }
}

Scenario small_scenario() {
  Scenario scenario;
  scenario.users = 20;
  scenario.chats = {.direct_per_user = 1,
                    .groups = 2,
                    .group_size = {.min = 3, .max = 3},
                    .rooms = 1,
                    .room_size = 20};
  return scenario;
}

TEST(Roster, GivesEveryRunItsOwnUsersAndChats) {
  const Population population(small_scenario(), Random(1));
  const Roster one(population, 1), two(population, 2);
  EXPECT_NE(one.user_id(0), two.user_id(0));
  EXPECT_GE(one.user_id(0).value, uint64_t{1} << 40) << "explicit ids begin there";
  EXPECT_LE(Roster(population, Roster::kTagMax).user_id(19).value, kUserIdMax);
  std::set<ChatId> ids;
  for (uint32_t chat = 0; chat < population.chat_count(); ++chat) {
    ids.insert(one.chat_id(chat));
    ids.insert(two.chat_id(chat));
    EXPECT_EQ(one.find_chat(one.chat_id(chat)), chat);
    EXPECT_EQ(one.find_chat(two.chat_id(chat)), std::nullopt);
  }
  EXPECT_EQ(ids.size(), population.chat_count() * 2u);
}

TEST(Roster, ImportsUsersAndChatsInBoundedParts) {
  const Population population(small_scenario(), Random(1));
  const Roster roster(population, 5);
  const auto users = roster.import_of_users(400);
  EXPECT_GT(users.size(), 2u);
  std::string all;
  for (const std::string& part : users) all += part;
  EXPECT_EQ(std::count(all.begin(), all.end(), '\n'), 20);
  EXPECT_THAT(all, HasSubstr(R"({"user":{"user_id":5497558138881,"user_name":"sim-000005-0"}})"));
  const auto chats = roster.import_of_chats(1 << 20);
  ASSERT_EQ(chats.size(), 1u);
  EXPECT_EQ(std::count(chats[0].begin(), chats[0].end(), '\n'), 2 + 1);
  EXPECT_THAT(chats[0], HasSubstr("\"kind\":\"ROOM\""));
}

TEST(Roster, TakesTheIdsThatTheServerGave) {
  const Population population(small_scenario(), Random(1));
  std::vector<UserId> ids;
  for (uint64_t i = 0; i < 20; ++i) ids.push_back(UserId{100 + i});
  const Roster roster(population, 5, ids);
  EXPECT_EQ(roster.user_id(3), UserId{103});
  EXPECT_THAT(roster.import_of_chats(1 << 20)[0], HasSubstr("10"));
  const auto pair = population.members(0);
  EXPECT_EQ(roster.chat_id(0), ChatId::direct(ids[pair[0]], ids[pair[1]]));
}

}  // namespace
}  // namespace chat::sim
