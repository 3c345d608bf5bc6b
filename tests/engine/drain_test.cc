#include "tests/engine/talk.h"

namespace chat::sim {
namespace {

using testing::Values;
using F = v1::ServerFrame;

constexpr uint64_t kUsers = 40;

/// All engines of process 0 are drained; Talk has one engine per process.
class Drains : public Talk {
 protected:
  void fill() {
    for (uint64_t user = 1; user <= kUsers; ++user) {
      devices_.push_back(device(user));
      devices_.back()->engine = EngineId{1};
      devices_.back()->join_live();
    }
  }
  size_t told() const {
    return static_cast<size_t>(std::count_if(devices_.begin(), devices_.end(), [](const auto& one) {
      return one->count(F::kGoAway) > 0;
    }));
  }
  size_t closed() const {
    return static_cast<size_t>(std::count_if(
        devices_.begin(), devices_.end(), [](const auto& one) { return one->closed.has_value(); }));
  }
  void drain(Duration window) {
    world_.drain(0, {.window = window, .reconnect_after = seconds(3), .url = "wss://b.example"});
  }

  std::vector<std::unique_ptr<Device>> devices_;
};
INSTANTIATE_TEST_SUITE_P(Engines, Drains, Values(1, 3));

TEST_P(Drains, ClientsAreToldInEqualSlicesOverTheWindowAndWhoStaysIsClosed) {
  fill();
  drain(seconds(4));
  size_t before = 0;
  for (int second = 1; second <= 4; ++second) {
    run(1'000);
    EXPECT_NEAR(static_cast<double>(told() - before), kUsers / 4.0, 2.0) << second;
    before = told();
  }
  run(100);
  EXPECT_EQ(told(), kUsers);
  run(2'200);
  EXPECT_EQ(closed(), kUsers);
  std::vector<uint32_t> delays;
  for (const auto& one : devices_) {
    EXPECT_EQ(one->closed, CloseCode::drain);
    EXPECT_EQ(one->count(F::kGoAway), 1u);
    const v1::GoAway& go_away = one->last(F::kGoAway)->go_away();
    EXPECT_EQ(go_away.url(), "wss://b.example");
    EXPECT_FALSE(go_away.reason().empty());
    delays.push_back(go_away.reconnect_after_ms());
  }
  const auto [least, most] = std::minmax_element(delays.begin(), delays.end());
  EXPECT_GE(*least, 3'000u);
  EXPECT_LE(*most, 3'000u + 5'000u) << "inside the announced window";
  EXPECT_GT(*most - *least, 2'500u) << "spread";
  EXPECT_EQ(total_of(&EngineCounters::go_aways), kUsers);
  EXPECT_EQ(total_of(&EngineCounters::drain_closes), kUsers);
}

TEST_P(Drains, WhoLeavesIsNotClosedAndStaysOnlineForTheGrace) {
  auto ada = device(1);
  ada->engine = EngineId{1};
  ada->join_live();
  drain({});
  run(200);
  ASSERT_EQ(ada->count(F::kGoAway), 1u);
  ada->leave(CloseCode::drain);
  run(3'000);
  EXPECT_EQ(presence(1).state(), v1::ONLINE);
  EXPECT_EQ(total_of(&EngineCounters::drain_closes), 0u);
}

TEST_P(Drains, ADrainedEngineRefusesNewConnections) {
  drain(seconds(1));
  run(10);
  auto late = device(1);
  late->engine = EngineId{1};
  late->connect();
  run(200);
  EXPECT_EQ(late->closed, CloseCode::drain);
  EXPECT_EQ(total_of(&EngineCounters::drain_refusals), 1u);
}

TEST_P(Drains, WhoHasNoSessionYetIsClosedWithoutMuchTalk) {
  auto silent = device(1);
  silent->engine = EngineId{1};
  silent->connect();
  drain({});
  run(200);
  EXPECT_EQ(silent->count(F::kGoAway), 0u);
  EXPECT_EQ(silent->closed, CloseCode::drain);
}

TEST_P(Drains, ASendBetweenGoAwayAndTheEndIsServed) {
  auto ada = device(1);
  ada->engine = EngineId{1};
  ada->join_live();
  drain({});
  run(200);
  ada->say(ChatId::direct(UserId{1}, UserId{2}), "last words", 1);
  EXPECT_EQ(ada->acked_seqs(), std::vector<uint64_t>{1});
}

TEST_P(Drains, ASecondDrainHurriesTheFirst) {
  fill();
  drain(minutes(10));
  run(1'000);
  EXPECT_LT(told(), kUsers / 4);
  drain({});
  run(200);
  EXPECT_EQ(told(), kUsers);
  for (const auto& one : devices_) EXPECT_EQ(one->count(F::kGoAway), 1u);
}

TEST_P(Drains, TheOrderIsTheSeedsAndNotThatOfArrival) {
  fill();
  drain(seconds(2));
  run(1'000);
  const auto told_first_half =
      std::count_if(devices_.begin(), devices_.begin() + kUsers / 2,
                    [](const auto& one) { return one->count(F::kGoAway) > 0; });
  EXPECT_GT(told_first_half, 2);
  EXPECT_LT(told_first_half, static_cast<int64_t>(kUsers / 2) - 2);
}

}  // namespace
}  // namespace chat::sim
