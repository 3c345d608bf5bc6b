// The proof that a driver only translates: the recorded inputs of live reactors, with their turn
// boundaries, given to bare engines yield byte-identical outputs.
#include <gtest/gtest.h>

#include "sim/virtual/output_digest.h"
#include "tests/server/reactor/reactor_fixture.h"
#include "tests/server/ws_device.h"

namespace chat {
namespace {

class InputReplayTest : public ReactorFixture {
 protected:
  void converse() {
    std::vector<std::unique_ptr<WsDevice>> devices;
    for (uint64_t user = 1; user <= 8; ++user) {
      const Encoding encoding = user % 2 == 0 ? Encoding::proto : Encoding::json;
      devices.push_back(std::make_unique<WsDevice>(port_, encoding));
      ASSERT_TRUE(devices.back()->hello("user:" + std::to_string(user)).has_welcome());
    }
    for (int round = 0; round < 5; ++round) {
      for (uint64_t user = 1; user <= 8; ++user) {
        const uint64_t peer = (user + static_cast<uint64_t>(round)) % 8 + 1;
        if (peer == user) continue;
        const std::string text = std::to_string(round) + "/" + std::to_string(user);
        ASSERT_TRUE(devices[user - 1]->say(peer, text, text).has_send_ack());
        devices[peer - 1]->hear(text);
      }
      devices[static_cast<size_t>(round)]->hang_up();
      devices[static_cast<size_t>(round)] = std::make_unique<WsDevice>(port_);
      devices[static_cast<size_t>(round)]->hello("user:" + std::to_string(round + 1));
      v1::ClientFrame sync;
      sync.mutable_sync()->set_from_inbox_seq(1);
      ASSERT_TRUE(devices[static_cast<size_t>(round)]->ask(sync).has_sync_page());
    }
    WsDevice stranger(port_);
    stranger.hello("nobody");
    stranger.closed();
  }
};

uint64_t digest_of(const Output& output) {
  Digest digest;
  sim::add_output(digest, output);
  return digest.value();
}

/// Feeds the turns to a bare engine; how many outputs it compared.
size_t replay(const TurnLog& log, const EngineOptions& options) {
  Engine engine(options);
  size_t compared = 0;
  for (size_t turn = 0; turn < log.turns.size(); ++turn) {
    const TurnRecord& record = log.turns[turn];
    engine.begin_turn(record.now, record.wall);
    for (const Input& input : record.inputs) engine.handle(input);
    engine.end_turn();
    Output output;
    for (const Output& expected : record.outputs) {
      if (!engine.poll(output)) {
        ADD_FAILURE() << "turn " << turn << " has too few outputs";
        return compared;
      }
      if (digest_of(output) != digest_of(expected)) {
        ADD_FAILURE() << "turn " << turn << " differs";
        return compared;
      }
      ++compared;
    }
    EXPECT_FALSE(engine.poll(output)) << "turn " << turn << " has too many outputs";
  }
  return compared;
}

TEST_F(InputReplayTest, RecordedInputsOfLiveReactorsGiveTheSameOutputs) {
  constexpr int kReactors = 3;
  std::vector<TurnLog> logs(kReactors);
  start(kReactors, &logs);
  converse();
  service_.stop();
  group_->stop();
  for (size_t i = 0; i < kReactors; ++i) {
    EXPECT_GT(replay(logs[i], group_->at(i).engine_options()), 50u) << "engine " << i + 1;
  }
}

}  // namespace
}  // namespace chat
