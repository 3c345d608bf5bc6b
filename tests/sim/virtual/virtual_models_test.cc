// Models of network, disk and processor in a world of real engines.
#include <gtest/gtest.h>

#include "sim/virtual/turn_cost.h"
#include "tests/engine/talk.h"

namespace chat::sim {
namespace {

/// Nothing takes any time.
WorldOptions instant_world() {
  WorldOptions options;
  options.cpu = {.turn = {}, .input = {}, .output = {}};
  options.network = NetworkModel{};
  options.network->mailbox = {};
  options.disk = DiskModel{.read = {}, .sync = {}, .write = {}};
  options.account_check = Duration{};
  return options;
}

/// When a client has its first answer.
class Greeter : public LinkEnd {
 public:
  Greeter(VirtualWorld& world, uint32_t path_kind = 0) : world_(world), began_(world.now()) {
    link_ = world.connect(*this, Encoding::proto, path_kind);
  }
  std::optional<Duration> opened, answered;

 private:
  void on_open() override {
    opened = world_.now() - began_;
    v1::ClientBatch batch;
    v1::Hello& hello = *batch.add_frames()->mutable_hello();
    hello.set_token(token_of(UserId{1}));
    hello.set_device_id("greeter");
    world_.send(link_, wire::encode_client_batch(Encoding::proto, batch));
  }
  void on_message(const std::string&) override {
    if (!answered) answered = world_.now() - began_;
  }
  void on_closed(CloseCode) override {}

  VirtualWorld& world_;
  Instant began_;
  LinkRef link_;
};

class VirtualModels : public ::testing::Test {
 protected:
  /// The world after everything has been told of everything.
  VirtualWorld& make(const WorldOptions& options) {
    world_.emplace(options, store_);
    run(seconds(1));
    return *world_;
  }
  void run(Duration time) { world_->run_until(world_->now() + time); }
  Duration time_to_answer(uint32_t path_kind = 0) {
    Greeter greeter(*world_, path_kind);
    run(minutes(1));
    return greeter.answered.value_or(minutes(99));
  }

  uint64_t head_of(const ChatId& chat) {
    const auto loaded = std::get<ChatLoaded>(store_.read(LoadChat{chat}));
    return loaded.row ? loaded.row->last_seq : 0;
  }
  uint64_t total_of(uint64_t EngineCounters::*counter) const {
    uint64_t sum = 0;
    for (const EngineCounters& one : world_->counters()) sum += one.*counter;
    return sum;
  }

  MemoryChatStore store_{4711};
  std::optional<VirtualWorld> world_;
};

TEST_F(VirtualModels, AWorldInWhichNothingTakesTimeAnswersAtOnce) {
  make(instant_world());
  EXPECT_EQ(time_to_answer(), Duration());
  EXPECT_EQ(world_->cpu_time(), Duration());
}

TEST_F(VirtualModels, AClientWaitsForTheHandshakeAndForTheWayThereAndBack) {
  WorldOptions options = instant_world();
  ClientPath& path = options.network->clients.front();
  path.up.delay = milliseconds(30);
  path.down.delay = milliseconds(20);
  path.handshake_round_trips = 2;
  VirtualWorld& world = make(options);
  Greeter greeter(world);
  run(minutes(1));
  EXPECT_EQ(greeter.opened, milliseconds(150));
  EXPECT_EQ(greeter.answered, milliseconds(200));
}

TEST_F(VirtualModels, EveryConnectionHasTheKindOfPathThatItAsksFor) {
  VirtualWorld& world = make(instant_world());
  const uint32_t far = world.add_path_kind({.up = {.delay = milliseconds(100)}});
  EXPECT_EQ(time_to_answer(far), milliseconds(300));
  EXPECT_EQ(time_to_answer(), Duration());
}

TEST_F(VirtualModels, ALostFrameComesLaterButComes) {
  WorldOptions options = instant_world();
  options.network->clients.front().up.loss = {.share = 0.3, .burst = milliseconds(300)};
  make(options);
  int late = 0;
  for (int i = 0; i < 20; ++i) {
    const Duration took = time_to_answer();
    ASSERT_LT(took, minutes(1));
    if (took >= milliseconds(200)) ++late;
  }
  EXPECT_GT(late, 2);
}

TEST_F(VirtualModels, ANarrowPathHoldsTheServerBackOnceItsBufferIsFull) {
  VirtualWorld& world = make(instant_world());
  const uint32_t narrow = world.add_path_kind({.down = {.bytes_per_s = 1'000}});
  Device reader(world, 1, "phone"), writer(world, 2, "phone");
  reader.path_kind = narrow;
  reader.join_live();
  writer.join_live();
  for (uint32_t i = 1; i <= 60; ++i) {
    writer.say(ChatId::direct(UserId{1}, UserId{2}), std::string(10'000, 'x'), i);
  }
  EXPECT_EQ(writer.acked_seqs().size(), 60u);
  EXPECT_LT(reader.texts().size(), 10u);
  EXPECT_GE(total_of(&EngineCounters::slow_readers_lagged), 1u);
}

TEST_F(VirtualModels, AProcessorTakesItsTimeForEveryTurn) {
  WorldOptions options = instant_world();
  options.cpu.turn = milliseconds(10);
  make(options);
  const Duration busy = world_->cpu_time();
  const uint64_t turns = world_->turns();
  EXPECT_GE(time_to_answer(), milliseconds(10));
  EXPECT_EQ(world_->cpu_time() - busy,
            milliseconds(10) * static_cast<int64_t>(world_->turns() - turns));
}

TEST_F(VirtualModels, BytesCostProcessorTime) {
  const CpuCosts costs{.turn = microseconds(1),
                       .input = microseconds(2),
                       .output = microseconds(3),
                       .input_kib = microseconds(1'024),
                       .output_kib = microseconds(2'048)};
  Random random(1);
  TurnCost cost(costs, Instant{}, random);
  cost.add(Input(Received{ConnId{1}, std::string(5, 'x')}));
  EXPECT_EQ(cost.until() - Instant{}, microseconds(1 + 2 + 5));
  cost.add(Output(PeerSend{{}, std::string(7, 'x')}));
  EXPECT_EQ(cost.until() - Instant{}, microseconds(8 + 3 + 14));
  cost.add(Input(Opened{ConnId{1}, Encoding::proto, ""}));
  EXPECT_EQ(cost.until() - Instant{}, microseconds(25 + 2));
}

TEST_F(VirtualModels, AStoreWaitsForItsDisk) {
  WorldOptions options = instant_world();
  options.disk->sync = milliseconds(30);
  VirtualWorld& world = make(options);
  Device writer(world, 1, "phone");
  writer.join_live();
  const auto time_to_ack = [&](uint32_t key) {
    const Instant began = world.now();
    writer.post(writer.message(ChatId::direct(UserId{1}, UserId{2}), "text", key));
    while (writer.acked_seqs().size() < key && world.now() < began + seconds(9)) {
      run(milliseconds(1));
    }
    const Duration took = world.now() - began;
    run(seconds(1));
    return took;
  };
  EXPECT_EQ(time_to_ack(1), milliseconds(30));
  world.slow_disk(4, seconds(10));
  EXPECT_EQ(time_to_ack(2), milliseconds(120));
  run(seconds(10));
  EXPECT_EQ(time_to_ack(3), milliseconds(30));
}

TEST_F(VirtualModels, AStoreThatFailsForAWhileWorksAgainAfterwards) {
  VirtualWorld& world = make(instant_world());
  const ChatId chat = ChatId::direct(UserId{1}, UserId{2});
  Device writer(world, 1, "phone");
  writer.join_live();
  writer.say(chat, "before", 1);
  EXPECT_EQ(head_of(chat), 1u);
  world.fail_store(1, seconds(5));
  writer.say(chat, "meanwhile", 2);
  run(seconds(3));
  EXPECT_EQ(head_of(chat), 1u);
  run(minutes(1));
  EXPECT_EQ(head_of(chat), 2u);
}

TEST_F(VirtualModels, AClockIsWrongForAWhile) {
  VirtualWorld& world = make(instant_world());
  Device writer(world, 1, "phone");
  writer.join_live();
  // Every time in another chat: the times of one chat never go back.
  const auto stamped_late_by = [&](uint32_t key) {
    const int64_t sent_ms = world.wall().ms;
    writer.say(ChatId::direct(UserId{1}, UserId{1 + key}), "when is it?", key);
    return writer.last(v1::ServerFrame::kSendAck)->send_ack().server_ts_ms() - sent_ms;
  };
  const int64_t usual = stamped_late_by(1);
  world.skew_clock(0, minutes(2), seconds(5));
  EXPECT_EQ(stamped_late_by(2) - usual, 120'000);
  run(seconds(5));
  EXPECT_EQ(stamped_late_by(3), usual);
}

TEST_F(VirtualModels, ABrokenLinkMayEndWithoutAWord) {
  for (const double silent : {0.0, 1.0}) {
    WorldOptions options = instant_world();
    options.network->clients.front().silent_share = silent;
    VirtualWorld& world = make(options);
    Device device(world, 1, "phone");
    device.join();
    device.drop();
    EXPECT_EQ(total_of(&EngineCounters::connections), silent == 0 ? 0u : 1u);
  }
}

}  // namespace
}  // namespace chat::sim
