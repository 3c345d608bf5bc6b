// An Attach waited for the user to be read while its engine died: then it made a device that was
// online for ever.
#include "tests/engine/talk.h"

namespace chat::sim {
namespace {

class AttachAfterLoss : public Talk {};
INSTANTIATE_TEST_SUITE_P(Engines, AttachAfterLoss, testing::Values(2));

TEST_P(AttachAfterLoss, ADeviceOfAnEngineThatDiedMeanwhileGoesOffline) {
  const EngineId home{1}, lost{2};
  const uint64_t user = user_of(home);
  WorldFaults slow;
  slow.store.stall_one_in = 1;
  slow.store.stall = milliseconds(4'000);
  world_.set_faults(slow);
  auto ada = device(user);
  ada->engine = lost;
  ada->join();
  world_.crash(1, milliseconds(60'000));
  run(10'000);
  world_.set_faults(WorldFaults());
  run(40'000);
  EXPECT_EQ(presence(user).state(), v1::OFFLINE);
}

}  // namespace
}  // namespace chat::sim
