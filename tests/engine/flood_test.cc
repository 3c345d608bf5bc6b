// Clients that send too fast, by many connections or by REST: they are throttled and told when to
// come again, and their neighbours go on.
#include <set>

#include "tests/engine/talk.h"

namespace chat::sim {
namespace {

using testing::Values;
using F = v1::ServerFrame;

EnginePolicy small() {
  EnginePolicy policy;
  policy.limits.sends_per_second_user = 5;
  policy.limits.sends_per_second_address = 20;
  policy.limits.sends_per_second_chat = 10;
  policy.limits.frames_per_second = 2;
  policy.limits.trusted_sources = {"192.0.2."};
  return policy;
}

class Flood : public Talk {
 protected:
  Flood() : Talk(small()) {}

  /// Sends of one device in one WebSocket message, with keys from `first` on.
  void send_many(Device& device, const ChatId& chat, uint32_t count, uint32_t first = 1) {
    std::vector<v1::ClientFrame> out;
    for (uint32_t i = 0; i < count; ++i) out.push_back(device.message(chat, "!", first + i));
    device.post_all(out);
    run(500);
  }
  /// Refusals, all of which have to tell when to come again and which send they are about.
  static size_t refused(const Device& device) {
    size_t count = 0;
    for (const auto& frame : device.frames) {
      if (!frame.has_error()) continue;
      EXPECT_EQ(frame.error().code(), v1::RATE_LIMITED);
      EXPECT_TRUE(frame.error().temporary());
      EXPECT_GT(frame.error().retry_after_ms(), 0u);
      EXPECT_TRUE(frame.error().client_msg_id().empty() ||
                  frame.error().client_msg_id().size() == 16u);
      ++count;
    }
    return count;
  }
  std::unique_ptr<Device> joined(uint64_t user, const std::string& id = "phone",
                                 EngineId engine = {}) {
    auto made = device(user, id);
    made->engine = engine;
    made->join_live();
    return made;
  }
  v1::Request rest_send(uint64_t user, const ChatId& chat, uint32_t key,
                        const std::string& address) {
    v1::Request request;
    request.set_user_id(user);
    request.set_address(address);
    request.mutable_send()->set_chat_id(chat.str());
    request.mutable_send()->set_client_msg_id(Device::key_bytes(key));
    request.mutable_send()->set_text("!");
    return request;
  }

  const ChatId chat_ = ChatId::direct(UserId{1}, UserId{2});
};
INSTANTIATE_TEST_SUITE_P(Engines, Flood, Values(1, 3));

TEST_P(Flood, AUserWithManyConnectionsHasOneLimitPerEngine) {
  std::vector<std::unique_ptr<Device>> devices;
  size_t stored = 0, told = 0;
  for (uint32_t i = 0; i < 4; ++i) {
    world_.set_source("10.0.0." + std::to_string(i));
    devices.push_back(joined(1, "device " + std::to_string(i), EngineId{1}));
  }
  for (uint32_t i = 0; i < 4; ++i) {
    for (uint32_t k = 1; k <= 8; ++k) devices[i]->post(devices[i]->message(chat_, "!", 10 * i + k));
  }
  run(100);
  for (const auto& one : devices) {
    stored += one->count(F::kSendAck);
    told += refused(*one);
    EXPECT_FALSE(one->closed.has_value());
  }
  EXPECT_EQ(stored + told, 32u);
  EXPECT_EQ(stored, 10u);  // The burst is twice the rate.
  EXPECT_EQ(total_of(&EngineCounters::rate_limited_user), told);
  EXPECT_EQ(total_of(&EngineCounters::rate_limited_address) +
                total_of(&EngineCounters::rate_limited_chat),
            0u);
}

TEST_P(Flood, WhoComesBackWhenToldIsServedWithTheSameKeyOnce) {
  auto ada = joined(1);
  send_many(*ada, chat_, 11);
  ASSERT_EQ(refused(*ada), 1u);
  const v1::Error error = ada->last(F::kError)->error();
  EXPECT_EQ(error.client_msg_id(), Device::key_bytes(11));
  run(error.retry_after_ms());
  ada->say(chat_, "!", 11);
  EXPECT_EQ(ada->acked_seqs().back(), 11u);
  EXPECT_EQ(ada->texts().size(), 11u);
}

TEST_P(Flood, EditsAndReactionsAndDeletionsCountLikeSends) {
  auto ada = joined(1);
  ada->say(chat_, "!", 1);
  std::vector<v1::ClientFrame> changes(12);
  for (uint32_t i = 0; i < changes.size(); ++i) {
    changes[i].set_id(100 + i);
    v1::React& react = *changes[i].mutable_react();
    react.set_chat_id(chat_.str());
    react.set_target_seq(1);
    react.set_client_op_id(Device::key_bytes(50 + i));
    react.set_reaction(i % 2 == 0 ? "👍" : "👎");
  }
  ada->post_all(changes);
  run(1'000);
  EXPECT_EQ(refused(*ada) + ada->count(F::kSendAck), 13u);
  // The token of the send has come back meanwhile.
  EXPECT_EQ(refused(*ada), 2u);
  EXPECT_EQ(total_of(&EngineCounters::rate_limited_user), 2u);
  EXPECT_EQ(ada->last(F::kError)->error().client_msg_id(), Device::key_bytes(61));
}

TEST_P(Flood, ManyUsersOfOneAddressShareItsLimit) {
  std::vector<std::unique_ptr<Device>> devices;
  world_.set_source("10.0.0.1");
  for (uint64_t user = 11; user <= 16; ++user) {
    devices.push_back(joined(user, "phone", EngineId{1}));
  }
  world_.set_source("10.0.0.2");
  auto neighbour = joined(21, "phone", EngineId{1});
  for (uint32_t i = 0; i < devices.size(); ++i) {
    const uint64_t user = 11 + i;
    for (uint32_t k = 1; k <= 10; ++k) {
      devices[i]->post(devices[i]->message(ChatId::direct(UserId{1}, UserId{user}), "!", k));
    }
  }
  run(100);
  size_t stored = 0;
  for (const auto& one : devices) stored += one->count(F::kSendAck);
  EXPECT_EQ(stored, 40u);
  EXPECT_EQ(total_of(&EngineCounters::rate_limited_address), 20u);
  send_many(*neighbour, ChatId::direct(UserId{1}, UserId{21}), 5);
  EXPECT_EQ(neighbour->count(F::kSendAck), 5u);
  EXPECT_EQ(refused(*neighbour), 0u);
}

TEST_P(Flood, AChatHasOneLimitForAllItsWritersAndOtherChatsGoOn) {
  const std::vector<uint64_t> members{1, 2, 3, 4, 5};
  const ChatId group = make_chat(v1::GROUP, members);
  std::vector<std::unique_ptr<Device>> writers;
  for (uint64_t member : members) {
    world_.set_source("10.0.1." + std::to_string(member));
    writers.push_back(joined(member));
  }
  for (auto& writer : writers) {
    for (uint32_t k = 1; k <= 6; ++k) writer->post(writer->message(group, "!", k));
  }
  run(100);
  size_t stored = 0, told = 0;
  std::set<uint64_t> seqs;
  for (const auto& writer : writers) {
    stored += writer->count(F::kSendAck);
    told += refused(*writer);
    for (uint64_t seq : writer->acked_seqs()) seqs.insert(seq);
  }
  EXPECT_EQ(stored, 20u);
  EXPECT_EQ(seqs.size(), stored);
  EXPECT_EQ(told, 10u);
  EXPECT_EQ(total_of(&EngineCounters::rate_limited_chat), 10u);
  auto others = joined(7);
  send_many(*others, ChatId::direct(UserId{7}, UserId{8}), 3);
  EXPECT_EQ(others->count(F::kSendAck), 3u);
}

TEST_P(Flood, SendsByRestCountLikeThoseOfConnections) {
  for (uint32_t key = 1; key <= 40; ++key) {
    // The answer may come in a later round.
    world_.request(std::make_shared<const v1::Request>(rest_send(1, chat_, key, "10.0.0.9")),
                   [](const v1::Response* response) {
                     if (response == nullptr || !response->has_error()) return;
                     EXPECT_EQ(response->error().code(), v1::RATE_LIMITED);
                     EXPECT_GT(response->error().retry_after_ms(), 0u);
                   });
    run(5);
  }
  run(500);
  const uint64_t of_user = total_of(&EngineCounters::rate_limited_user);
  EXPECT_GE(of_user, 40u - 12u * static_cast<uint32_t>(GetParam()));
  EXPECT_EQ(total_of(&EngineCounters::rate_limited_frames), 0u);
  const uint64_t stored = 40 - of_user - total_of(&EngineCounters::rate_limited_chat);
  auto ada = joined(2);
  EXPECT_EQ(ada->last(F::kWelcome)->welcome().inbox_head(), stored);
}

TEST_P(Flood, TrustedSourcesAndTheOperatorHaveNoLimits) {
  world_.set_source("192.0.2.77");
  auto ada = joined(1);
  for (uint32_t round = 0; round < 3; ++round) send_many(*ada, chat_, 50, 1 + 50 * round);
  for (uint32_t i = 0; i < 100; ++i) {
    v1::ClientFrame frame;
    frame.set_id(1'000 + i);
    frame.mutable_history()->set_chat_id(chat_.str());
    ada->post(frame);
  }
  run(1'000);
  for (uint32_t key = 1; key <= 30; ++key) {
    EXPECT_TRUE(ask(rest_send(2, chat_, 1'000 + key, "192.0.2.78")).has_send_ack());
  }
  EXPECT_EQ(ada->count(F::kSendAck), 150u);
  EXPECT_EQ(ada->count(F::kHistoryPage), 100u);
  EXPECT_EQ(refused(*ada), 0u);
}

TEST_P(Flood, LimitsThatAnOperatorChangesHoldAtOnce) {
  auto ada = joined(1);
  send_many(*ada, chat_, 11);
  EXPECT_EQ(refused(*ada), 1u);
  RuntimeLimits limits = small().limits;
  limits.sends_per_second_user = limits.sends_per_second_chat = 0;
  limits.frames_per_second = 0;
  world_.set_limits(limits);
  run(100);
  send_many(*ada, chat_, 25, 20);
  EXPECT_EQ(refused(*ada), 1u);
  EXPECT_EQ(ada->count(F::kSendAck), 35u);
}

TEST_P(Flood, QuestionsAreLimitedPerConnectionAndSendsAndHeartbeatsGoOn) {
  auto flooder = joined(1), neighbour = joined(3);
  flooder->say(chat_, "!", 1);
  for (uint32_t i = 0; i < 50; ++i) {
    v1::ClientFrame frame;
    frame.set_id(100 + i);
    if (i % 2 == 0) {
      frame.mutable_history()->set_chat_id(chat_.str());
    } else {
      frame.mutable_presence_watch()->add_user_ids(3);
    }
    flooder->post(frame);
  }
  run(100);
  EXPECT_EQ(flooder->count(F::kHistoryPage) + flooder->count(F::kPresence), 20u);
  EXPECT_EQ(refused(*flooder), 30u);
  EXPECT_EQ(total_of(&EngineCounters::rate_limited_frames), 30u);
  flooder->say(chat_, "!", 2);
  EXPECT_EQ(flooder->count(F::kSendAck), 2u);
  v1::ClientFrame heartbeat;
  heartbeat.set_id(999);
  heartbeat.mutable_heartbeat();
  flooder->send(heartbeat);
  EXPECT_EQ(flooder->last(F::kHeartbeatAck)->reply_to(), 999u);
  v1::ClientFrame question;
  question.set_id(5);
  question.mutable_presence_watch()->add_user_ids(1);
  neighbour->send(question);
  EXPECT_EQ(neighbour->count(F::kPresence), 1u);
  EXPECT_FALSE(flooder->closed.has_value());
}

}  // namespace
}  // namespace chat::sim
