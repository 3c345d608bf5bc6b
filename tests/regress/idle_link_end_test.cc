// A link that had something to say died at one end only; the idle other end never learned of it,
// and its sessions got no pushes.
#include "tests/engine/talk.h"

namespace chat::sim {
namespace {

using Texts = std::vector<std::string>;

class IdleLinkEnd : public Talk {};
INSTANTIATE_TEST_SUITE_P(Engines, IdleLinkEnd, testing::Values(2));

TEST_P(IdleLinkEnd, ASessionOfTheIdleEndHearsThatItHasToSync) {
  const EngineId home{1}, idle{2};
  const uint64_t ada_id = user_of(home);
  uint64_t bob_id = user_of(home, ada_id + 1);
  while (home_of(ChatId::direct(UserId{ada_id}, UserId{bob_id})) != home) {
    bob_id = user_of(home, bob_id + 1);
  }
  const ChatId chat = ChatId::direct(UserId{ada_id}, UserId{bob_id});
  auto ada = device(ada_id), bob = device(bob_id);
  ada->engine = home;
  bob->engine = idle;
  ada->join_live();
  bob->join_live();
  ada->say(chat, "before", 1);
  bob->ack(1);
  world_.partition(0, 1, milliseconds(7'000));
  ada->say(chat, "while cut", 2);
  run(7'000);
  ada->say(chat, "after", 3);
  run(1'000);
  EXPECT_EQ(bob->texts(), Texts{"before"});
  ASSERT_TRUE(bob->last(v1::ServerFrame::kLagged));
  EXPECT_EQ(bob->last(v1::ServerFrame::kLagged)->lagged().from_inbox_seq(), 2u);
  bob->sync(2);
  ada->say(chat, "live", 4);
  EXPECT_EQ(bob->texts(), (Texts{"before", "while cut", "after", "live"}));
}

}  // namespace
}  // namespace chat::sim
