// Whole groups at once, and operations that come again after an engine died or a home moved.
#include "tests/engine/talk.h"

namespace chat::sim {
namespace {

using testing::Values;
using F = v1::ServerFrame;

constexpr uint64_t kMembers = 100;
constexpr uint64_t kSenders = 10;
constexpr uint32_t kSendsEach = 5;

/// Nobody is closed for silence while the others come.
class LargeGroup : public Talk {
 protected:
  LargeGroup() : Talk(patient()) {}
  static EnginePolicy patient() {
    EnginePolicy policy;
    policy.heartbeat_interval = minutes(30);
    return policy;
  }
};
INSTANTIATE_TEST_SUITE_P(Engines, LargeGroup, Values(1, 3));

TEST_P(LargeGroup, AHundredMembersSeeTheSameListWhileTenOfThemWrite) {
  std::vector<uint64_t> users;
  std::vector<std::unique_ptr<Device>> devices;
  for (uint64_t user = 1; user <= kMembers; ++user) users.push_back(user);
  const ChatId group = make_chat(v1::GROUP, users);
  for (uint64_t user : users) {
    devices.push_back(device(user, "phone", user % 7 == 0 ? Encoding::json : Encoding::proto));
    devices.back()->join_live();
    devices.back()->frames.clear();
  }
  for (uint32_t i = 0; i < kSendsEach; ++i) {
    for (uint64_t sender = 0; sender < kSenders; ++sender) {
      Device& writer = *devices[sender * 9];
      writer.post(writer.message(group, std::to_string(sender) + " " + std::to_string(i), i + 1));
    }
    run(3);
  }
  run(5'000);
  std::vector<std::string> log;
  for (const v1::Event& event : log_of(50, group)) {
    if (event.has_message()) log.push_back(event.message().text());
  }
  EXPECT_EQ(log.size(), kSenders * kSendsEach);
  for (const auto& member : devices) EXPECT_EQ(member->texts(), log);
}

/// Three engines in processes of their own; the parameter is when the trouble begins.
class Repeats : public Talk {
 protected:
  Repeats() : Talk(EnginePolicy(), 3) {}

  void SetUp() override {
    ada_->engine = EngineId{home_of(chat_).value % 3 + 1};
    ada_->join_live();
    ada_->say(chat_, "hello", 1);
    edit_.set_id(500);
    edit_.mutable_edit()->set_chat_id(chat_.str());
    edit_.mutable_edit()->set_target_seq(1);
    edit_.mutable_edit()->set_client_op_id(Device::key_bytes(2));
    edit_.mutable_edit()->set_text("better");
    reaction_.set_id(501);
    reaction_.mutable_react()->set_chat_id(chat_.str());
    reaction_.mutable_react()->set_target_seq(1);
    reaction_.mutable_react()->set_client_op_id(Device::key_bytes(3));
    reaction_.mutable_react()->set_reaction("+1");
    deletion_.set_id(502);
    deletion_.mutable_delete_message()->set_chat_id(chat_.str());
    deletion_.mutable_delete_message()->set_target_seq(1);
    deletion_.mutable_delete_message()->set_client_op_id(Device::key_bytes(4));
  }
  /// Everything once while the trouble begins, and everything again afterwards.
  template <class Trouble>
  void ask_twice(const Trouble& trouble) {
    ada_->frames.clear();
    ada_->post_all({edit_, reaction_, ada_->message(chat_, "more", 5), deletion_});
    run(GetParam());
    trouble();
    run(30'000);
    // Two homes may answer: the order of answers is free, that of the log is not. What one of them
    // can no longer decide is refused for now.
    EXPECT_EQ(ada_->count(F::kSendAck) + ada_->count(F::kError), 4u);
    for (const auto& frame : ada_->frames) {
      EXPECT_TRUE(!frame.has_error() || frame.error().temporary()) << frame.ShortDebugString();
    }
    ada_->frames.clear();
    ada_->post_all({edit_, reaction_, ada_->message(chat_, "more", 5), deletion_});
    run(5'000);
    EXPECT_EQ(ada_->count(F::kSendAck), 4u);
    std::vector<uint64_t> again = ada_->acked_seqs();
    std::sort(again.begin(), again.end());
    EXPECT_EQ(again, (std::vector<uint64_t>{2, 3, 4, 5}));
    for (const auto& frame : ada_->frames) {
      if (!frame.has_send_ack()) continue;
      EXPECT_EQ(frame.send_ack().status(), v1::DUPLICATE);
    }
    const auto log = log_of(1, chat_);
    ASSERT_EQ(log.size(), 5u);
    EXPECT_TRUE(log[0].has_tombstone());
    EXPECT_TRUE(log[1].has_tombstone());
    EXPECT_TRUE(log[2].has_reaction());
    EXPECT_EQ(log[3].message().text(), "more");
    EXPECT_TRUE(log[4].has_deleted());
  }

  const ChatId chat_ = ChatId::direct(UserId{1}, UserId{2});
  std::unique_ptr<Device> ada_ = device(1);
  v1::ClientFrame edit_, reaction_, deletion_;
};
INSTANTIATE_TEST_SUITE_P(Delays, Repeats, Values(0, 2, 5, 9, 20, 400));

TEST_P(Repeats, AreKnownAfterTheHomeOfTheChatDied) {
  ask_twice([&] { world_.crash(home_of(chat_).value - 1, seconds(3)); });
}

TEST_P(Repeats, AreKnownAfterTheHomeOfTheChatMoved) {
  ask_twice([&] { world_.leave_ring(home_of(chat_).value - 1, seconds(3)); });
}

}  // namespace
}  // namespace chat::sim
