#include "sim/crowd/known_messages.h"

#include <gtest/gtest.h>

#include <set>

#include "core/wire/chat.pb.h"

namespace chat::sim {
namespace {

v1::Event message(uint64_t seq) {
  v1::Event event;
  event.set_seq(seq);
  event.mutable_message()->set_text("text " + std::to_string(seq));
  return event;
}

v1::Event deletion(uint64_t seq, uint64_t target) {
  v1::Event event;
  event.set_seq(seq);
  event.mutable_deleted()->set_target_seq(target);
  return event;
}

class KnownMessagesTest : public ::testing::Test {
 protected:
  std::set<uint64_t> picked(uint32_t device, uint32_t chat) {
    std::set<uint64_t> seqs;
    for (uint32_t pick = 0; pick < 100; ++pick) {
      if (const auto seq = known_.pick_shown(device, chat, pick)) seqs.insert(*seq);
    }
    return seqs;
  }

  KnownMessages known_{2, 4};
};

TEST_F(KnownMessagesTest, PicksOnlyMessagesThatTheDeviceShows) {
  EXPECT_EQ(picked(1, 7), std::set<uint64_t>());
  for (const uint64_t seq : {2, 3, 5}) known_.see(1, 7, message(seq));
  known_.see(1, 8, message(9));
  EXPECT_EQ(picked(1, 7), (std::set<uint64_t>{2, 3, 5}));
  EXPECT_EQ(picked(0, 7), std::set<uint64_t>());
  known_.see(1, 7, deletion(6, 3));
  v1::Event buried;
  buried.set_seq(7);
  buried.mutable_tombstone()->set_deleted_by_seq(8);
  known_.see(1, 7, buried);
  EXPECT_EQ(picked(1, 7), (std::set<uint64_t>{2, 5}));
}

TEST_F(KnownMessagesTest, LendsOwnMessagesToEditsAndGivesThemAwayToDeletions) {
  EXPECT_FALSE(known_.own(1, 5));
  EXPECT_FALSE(known_.take_own(1, 5));
  known_.stored(1, {.chat = 3, .seq = 10});
  known_.stored(1, {.chat = 4, .seq = 20});
  EXPECT_FALSE(known_.own(0, 0));
  EXPECT_EQ(known_.own(1, 0)->seq, 10u);
  EXPECT_EQ(known_.own(1, 2)->seq, 10u);
  EXPECT_EQ(known_.take_own(1, 0)->chat, 3u);
  EXPECT_EQ(known_.own(1, 0)->seq, 20u);
  EXPECT_EQ(known_.take_own(1, 9)->seq, 20u);
  EXPECT_FALSE(known_.own(1, 0));
}

TEST_F(KnownMessagesTest, KeepsOnlyTheLatestOwnMessages) {
  for (uint64_t seq = 1; seq <= 1'000; ++seq) known_.stored(0, {.chat = 0, .seq = seq});
  uint64_t kept = 0, oldest = UINT64_MAX;
  while (const auto message = known_.take_own(0, 0)) {
    ++kept;
    oldest = std::min(oldest, message->seq);
  }
  EXPECT_EQ(kept, 32u);
  EXPECT_EQ(oldest, 1'000u - 31);
}

TEST_F(KnownMessagesTest, GivesTheLastReactionBackOnce) {
  EXPECT_FALSE(known_.take_reaction(0));
  known_.reacted(0, {.chat = 1, .seq = 2, .n = 3});
  known_.reacted(0, {.chat = 4, .seq = 5, .n = 6});
  EXPECT_EQ(known_.take_reaction(0)->n, 6u);
  EXPECT_FALSE(known_.take_reaction(0));
}

TEST_F(KnownMessagesTest, RemembersWhereADeviceJumpedOverAPart) {
  known_.see(2, 1, message(1));
  known_.see(2, 6, message(1));
  known_.skip(2, 6);
  EXPECT_TRUE(known_.shown(2).at(1).whole);
  EXPECT_FALSE(known_.shown(2).at(6).whole);
}

}  // namespace
}  // namespace chat::sim
