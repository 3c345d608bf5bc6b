// The last session left a room while the page of another one was under way: its unsubscription
// ended the subscription that the page had made.
#include "tests/engine/talk.h"

namespace chat::sim {
namespace {

class RoomSubscriptionRace : public Talk {
 protected:
  EngineId home_of_room(const ChatId& room) const { return home_of(room); }
};
INSTANTIATE_TEST_SUITE_P(Engines, RoomSubscriptionRace, testing::Values(2));

TEST_P(RoomSubscriptionRace, WhoeverEntersWhileTheLastOneLeavesGetsEveryEvent) {
  WorldFaults faults;
  faults.client_delay_max = milliseconds(1);
  world_.set_faults(faults);
  const ChatId room = make_chat(v1::ROOM, {1, 2, 3});
  const EngineId other{home_of(room).value == 1 ? 2u : 1u};
  auto cat = device(3);
  cat->engine = home_of(room);
  cat->join_live();
  auto ada = device(1), bob = device(2);
  ada->engine = bob->engine = other;
  ada->join_live();
  ada->sync_room(room, 0);
  for (uint32_t i = 0; i < 20; ++i) {
    bob->join_live();
    v1::ClientFrame sync;
    sync.set_id(1'000);
    sync.mutable_sync()->set_chat_id(room.str());
    bob->post(sync);
    ada->close_now();
    run(500);
    const size_t before = bob->texts().size();
    cat->say(room, std::to_string(i), i + 1);
    EXPECT_EQ(bob->texts().size(), before + 1) << "round " << i;
    std::swap(ada, bob);  // Who came in time is the last one of the next round.
  }
}

TEST_P(RoomSubscriptionRace, APageThatComesTooLateForItsSessionLeavesNoSubscription) {
  const ChatId room = make_chat(v1::ROOM, {1, 2});
  const EngineId home = home_of(room), other{home.value == 1 ? 2u : 1u};
  auto ada = device(1), bob = device(2);
  ada->engine = other;
  bob->engine = home;
  ada->join_live();
  bob->join_live();
  v1::ClientFrame sync;
  sync.set_id(1'000);
  sync.mutable_sync()->set_chat_id(room.str());
  ada->post(sync);
  ada->close_now();
  run(500);
  bob->say(room, "to nobody", 1);
  run(2'000);
  const uint64_t before = world_.counters()[home.value - 1].peer_frames_out;
  for (uint32_t i = 2; i < 12; ++i) bob->say(room, "to nobody", i);
  // Whatever goes to the other engine for these ten, it is not the events of the room.
  EXPECT_LT(world_.counters()[home.value - 1].peer_frames_out - before, 10u + 2 * 10u);
}

}  // namespace
}  // namespace chat::sim
