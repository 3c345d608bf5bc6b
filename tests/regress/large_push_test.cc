// What came due for one user in one write was pushed in one frame between engines, larger than a
// PeerLink takes: the engine aborted.
#include "tests/engine/talk.h"

namespace chat::sim {
namespace {

class LargePush : public Talk {
 protected:
  LargePush() : Talk(patient()) {}
  static EnginePolicy patient() {
    EnginePolicy policy;
    policy.delay_after = minutes(1);  // The slow store is to be waited for.
    return policy;
  }
};
INSTANTIATE_TEST_SUITE_P(Engines, LargePush, testing::Values(2));

TEST_P(LargePush, ABacklogOfLargeMessagesIsPushedInSeveralFrames) {
  const EngineId home{1};
  const uint64_t bob_id = user_of(home, 100);
  auto bob = device(bob_id);
  bob->engine = EngineId{2};
  bob->join_live();
  std::vector<std::unique_ptr<Device>> writers;
  for (uint64_t user = 1; user <= 30; ++user) {
    writers.push_back(device(user));
    writers.back()->join_live();
  }
  WorldFaults faults;
  faults.store.stall_one_in = 1;  // All of it arrives while a write of the inbox is in flight.
  faults.store.stall = milliseconds(2'000);
  world_.set_faults(faults);
  for (size_t i = 0; i < writers.size(); ++i) {
    const ChatId chat = ChatId::direct(UserId{i + 1}, UserId{bob_id});
    for (uint32_t key = 1; key <= 3; ++key) {
      writers[i]->post(writers[i]->message(chat, std::string(16'000, 'x'), key));
    }
  }
  run(30'000);
  world_.set_faults(WorldFaults());
  run(5'000);
  if (bob->last(v1::ServerFrame::kLagged)) {
    for (uint64_t next = bob->last(v1::ServerFrame::kLagged)->lagged().from_inbox_seq();
         next <= 90;) {
      bob->sync(next);
      next = bob->last(v1::ServerFrame::kSyncPage)->sync_page().next();
    }
  }
  EXPECT_EQ(bob->texts().size(), 90u);
}

}  // namespace
}  // namespace chat::sim
