// Readers that do not take what is sent: they are told to sync, and lose nothing by it, or closed.
#include "tests/engine/talk.h"

namespace chat::sim {
namespace {

using testing::Values;
using Texts = std::vector<std::string>;
using F = v1::ServerFrame;

constexpr size_t kMessageBytes = 16'000;

std::string text_of(uint32_t number) {
  std::string text = std::to_string(number);
  return text.append(kMessageBytes - text.size(), '.');
}

class SlowReaders : public Talk {
 protected:
  void slow_down(Duration every_send) {
    WorldFaults faults;
    faults.slow_reader_one_in = 1;
    faults.slow_reader = every_send;
    world_.set_faults(faults);
  }
  void read_normally() { world_.set_faults(WorldFaults()); }

  const ChatId chat_ = ChatId::direct(UserId{1}, UserId{2});
};
INSTANTIATE_TEST_SUITE_P(Engines, SlowReaders, Values(1, 2, 3));

TEST_P(SlowReaders, OneThatIsToldToSyncMissesNothingAndGetsNothingTwice) {
  auto ada = device(1), bob = device(2);
  ada->join_live();
  bob->join_live();
  slow_down(seconds(4));
  Texts all;
  for (uint32_t i = 1; i <= 40; ++i) {
    all.push_back(text_of(i));
    ada->say(chat_, all.back(), i);
  }
  run(10'000);
  read_normally();
  run(10'000);
  ASSERT_TRUE(bob->last(F::kLagged));
  EXPECT_LT(bob->texts().size(), 40u);
  EXPECT_GE(total_of(&EngineCounters::durable_dropped), 1u);
  EXPECT_EQ(total_of(&EngineCounters::slow_reader_overflows) +
                total_of(&EngineCounters::slow_reader_stalls),
            0u);
  EXPECT_EQ(bob->last(F::kLagged)->lagged().from_inbox_seq(), bob->texts().size() + 1);
  bob->catch_up();
  all.push_back("live again");
  ada->say(chat_, all.back(), 50);
  EXPECT_EQ(bob->texts(), all);
  EXPECT_FALSE(bob->closed.has_value());
}

TEST_P(SlowReaders, OneInARoomIsToldWhereToGoOn) {
  const ChatId room = make_chat(v1::ROOM, {1, 2});
  auto ada = device(1), bob = device(2);
  for (auto* d : {&ada, &bob}) {
    (*d)->join_live();
    (*d)->sync_room(room, 0);
  }
  slow_down(seconds(4));
  for (uint32_t i = 1; i <= 40; ++i) ada->say(room, text_of(i), i);
  run(10'000);
  read_normally();
  run(10'000);
  ASSERT_TRUE(bob->last(F::kLagged));
  ASSERT_EQ(bob->last(F::kLagged)->lagged().rooms_size(), 1);
  uint64_t next = bob->last(F::kLagged)->lagged().rooms(0).from_seq();
  EXPECT_EQ(next, bob->texts().size() + 2);  // The members' event has seq 1.
  for (bool done = false; !done;) {
    bob->sync_room(room, next);
    next = bob->last(F::kSyncPage)->sync_page().next();
    done = bob->last(F::kSyncPage)->sync_page().done();
  }
  ada->say(room, "live again", 50);
  ASSERT_EQ(bob->texts().size(), 41u);
  for (uint32_t i = 1; i <= 40; ++i) EXPECT_EQ(bob->texts()[i - 1], text_of(i));
}

TEST_P(SlowReaders, OneWithoutProgressForTenSecondsIsClosed) {
  auto ada = device(1), bob = device(2);
  ada->join_live();
  bob->join_live();
  slow_down(seconds(25));
  ada->say(chat_, "does anybody read?", 1);
  run(9'000);
  EXPECT_EQ(total_of(&EngineCounters::slow_reader_stalls), 0u);
  run(2'000);
  EXPECT_EQ(total_of(&EngineCounters::slow_reader_stalls),
            2u);  // The author does not read its answer either.
  run(30'000);
  EXPECT_EQ(bob->closed, CloseCode::slow_reader);
  read_normally();
  bob->epoch = ada->epoch;
  bob->join(0);
  bob->sync(1);
  EXPECT_EQ(bob->texts().back(), "does anybody read?");
}

TEST_P(SlowReaders, OneThatAsksForMoreThanAMegabyteWithoutReadingIsClosed) {
  auto ada = device(1), bob = device(2);
  ada->join_live();
  bob->join_live();
  for (uint32_t i = 1; i <= 3; ++i) ada->say(chat_, text_of(i), i);
  slow_down(seconds(9));
  for (uint32_t i = 0; i < 40; ++i) {
    v1::ClientFrame frame;
    frame.set_id(100 + i);
    frame.mutable_history()->set_chat_id(chat_.str());
    bob->post(frame);
  }
  run(1'000);
  EXPECT_EQ(total_of(&EngineCounters::slow_reader_overflows), 1u);
  EXPECT_EQ(total_of(&EngineCounters::slow_reader_stalls), 0u);
  run(20'000);
  EXPECT_EQ(bob->closed, CloseCode::slow_reader);
}

}  // namespace
}  // namespace chat::sim
