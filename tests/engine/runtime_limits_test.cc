#include "tests/engine/talk.h"

namespace chat::sim {
namespace {

using testing::Values;
using F = v1::ServerFrame;

class RuntimeLimitsTalk : public Talk {};
INSTANTIATE_TEST_SUITE_P(Engines, RuntimeLimitsTalk, Values(1, 3));

v1::Request addition(const ChatId& chat, std::vector<uint64_t> users) {
  v1::Request request;
  request.mutable_change_members()->set_chat_id(chat.str());
  request.mutable_change_members()->set_client_op_id(
      std::string(16, static_cast<char>(users.front())));
  for (uint64_t user : users) request.mutable_change_members()->add_add(user);
  return request;
}

TEST_P(RuntimeLimitsTalk, AGroupGrowsToARaisedLimitAndNeverBeyond499) {
  std::vector<uint64_t> first;
  for (uint64_t user = 1; user <= 100; ++user) first.push_back(user);
  const ChatId group = make_chat(v1::GROUP, first);
  EXPECT_EQ(ask(addition(group, {101})).error().code(), v1::LIMIT_REACHED);
  RuntimeLimits limits;
  limits.group_members_max = 100'000;  // The engine caps it itself.
  world_.set_limits(limits);
  std::vector<uint64_t> rest;
  for (uint64_t user = 101; user <= 499; ++user) rest.push_back(user);
  EXPECT_EQ(ask(addition(group, rest)).chat().chat().member_count(), 499u);
  EXPECT_EQ(ask(addition(group, {500})).error().code(), v1::LIMIT_REACHED);
}

TEST_P(RuntimeLimitsTalk, SwitchedOffAttachmentsAreRefusedAndTextGoesOn) {
  auto ada = device(1);
  ada->join_live();
  const ChatId chat = ChatId::direct(UserId{1}, UserId{2});
  v1::ClientFrame frame = ada->message(chat, "see this", 1);
  frame.mutable_send()->add_attachments()->set_url("https://example.org/picture");
  RuntimeLimits limits;
  limits.attachments_allowed = false;
  world_.set_limits(limits);
  ada->send(frame);
  EXPECT_EQ(ada->error(), v1::PERMISSION_DENIED);
  ada->say(chat, "only text", 2);
  EXPECT_EQ(ada->count(F::kSendAck), 1u);
  world_.set_limits({});
  ada->send(frame);
  EXPECT_EQ(ada->count(F::kSendAck), 2u);
}

TEST_P(RuntimeLimitsTalk, ALowerRateHoldsForConnectionsThatAreOpen) {
  auto ada = device(1);
  ada->join_live();
  RuntimeLimits limits;
  limits.sends_per_second_user = 1;
  world_.set_limits(limits);
  run(10);
  const ChatId chat = ChatId::direct(UserId{1}, UserId{2});
  std::vector<v1::ClientFrame> sends;
  for (uint32_t key = 1; key <= 5; ++key) sends.push_back(ada->message(chat, "x", key));
  ada->post_all(sends);
  ada->run(500);
  EXPECT_EQ(ada->count(F::kSendAck), 2u);
  EXPECT_EQ(ada->error(), v1::RATE_LIMITED);
}

TEST_P(RuntimeLimitsTalk, WelcomeTellsTheLimitsOfNow) {
  RuntimeLimits limits;
  limits.group_members_max = 7;
  limits.presence_mode = PresenceMode::fetch;
  world_.set_limits(limits);
  run(10);
  auto ada = device(1);
  ada->join();
  const v1::Welcome& welcome = ada->last(F::kWelcome)->welcome();
  EXPECT_EQ(welcome.limits().group_members_max(), 7u);
  EXPECT_EQ(welcome.presence_mode(), v1::FETCH);
}

}  // namespace
}  // namespace chat::sim
