#include "tests/engine/talk.h"

namespace chat::sim {
namespace {

using testing::Values;
using F = v1::ServerFrame;

v1::ClientFrame typing(const ChatId& chat) {
  v1::ClientFrame frame;
  frame.set_id(5);
  frame.mutable_typing()->set_chat_id(chat.str());
  return frame;
}

class Typing : public Talk {
 protected:
  Typing() : Talk(small_rooms()) {}

  static EnginePolicy small_rooms() {
    EnginePolicy policy;
    policy.typing_members_max = 3;
    return policy;
  }
  std::unique_ptr<Device> typist(uint64_t user, const std::string& id = "phone",
                                 Encoding encoding = Encoding::proto) {
    auto made = device(user, id, encoding);
    made->want.set_typing(true);
    return made;
  }
};
INSTANTIATE_TEST_SUITE_P(Engines, Typing, Values(1, 2, 3));

TEST_P(Typing, IsToldToTheOtherMembersThatWantItAndToNobodyElse) {
  const ChatId group = make_chat(v1::GROUP, {1, 2, 3});
  auto ada = typist(1), own = typist(1, "laptop"), bob = typist(2),
       cid = typist(3, "phone", Encoding::json), quiet = device(3, "laptop"), eve = typist(4);
  for (auto* each : {&ada, &own, &bob, &cid, &quiet, &eve}) (*each)->join_live();
  ada->send(typing(group));
  for (auto* each : {&bob, &cid}) {
    ASSERT_EQ((*each)->count(F::kTyping), 1u);
    const v1::Typing& told = (*each)->last(F::kTyping)->typing();
    EXPECT_EQ(told.chat_id(), group.str());
    EXPECT_EQ(told.user_id(), 1u);
    EXPECT_EQ(told.expires_in_ms(), 6'000u);
  }
  for (auto* each : {&ada, &own, &quiet, &eve}) EXPECT_EQ((*each)->count(F::kTyping), 0u);
  EXPECT_EQ(ada->count(F::kError), 0u);
}

TEST_P(Typing, MoreThanOnceInThreeSecondsIsSilentlyIgnored) {
  auto ada = typist(1), bob = typist(2);
  ada->join_live();
  bob->join_live();
  const ChatId chat = ChatId::direct(UserId{1}, UserId{2});
  ada->say(chat, "first", 1);
  for (int i = 0; i < 5; ++i) ada->send(typing(chat));
  EXPECT_EQ(bob->count(F::kTyping), 1u);
  bob->send(typing(chat));
  EXPECT_EQ(ada->count(F::kTyping), 1u);
  run(3'000);
  ada->send(typing(chat));
  EXPECT_EQ(bob->count(F::kTyping), 2u);
  EXPECT_EQ(ada->count(F::kError), 0u);
}

TEST_P(Typing, OfSomebodyWhoIsNoMemberIsToldToNobody) {
  const ChatId group = make_chat(v1::GROUP, {1, 2});
  auto ada = typist(1), eve = typist(4);
  ada->join_live();
  eve->join_live();
  eve->send(typing(group));
  EXPECT_EQ(ada->count(F::kTyping), 0u);
  v1::ClientFrame wrong;
  wrong.set_id(6);
  wrong.mutable_typing()->set_chat_id("short");
  eve->send(wrong);
  EXPECT_EQ(eve->error(), v1::INVALID_ARGUMENT);
}

TEST_P(Typing, IsToldInSmallRoomsToThoseWhoFollow) {
  const ChatId small = make_chat(v1::ROOM, {1, 2, 3}), large = make_chat(v1::ROOM, {1, 2, 3, 4});
  auto ada = typist(1), bob = typist(2), cid = typist(3);
  for (auto* each : {&ada, &bob, &cid}) (*each)->join_live();
  for (const ChatId& room : {small, large}) {
    ada->sync_room(room, 0);
    bob->sync_room(room, 0);
    ada->send(typing(room));
  }
  ASSERT_EQ(bob->count(F::kTyping), 1u);
  EXPECT_EQ(bob->last(F::kTyping)->typing().chat_id(), small.str());
  EXPECT_EQ(cid->count(F::kTyping), 0u);
  EXPECT_EQ(ada->count(F::kTyping), 0u);
}

TEST_P(Typing, ByRequestIsTheSame) {
  const ChatId group = make_chat(v1::GROUP, {1, 2});
  auto bob = typist(2);
  bob->join_live();
  v1::Request request;
  request.set_user_id(1);
  request.mutable_typing()->set_chat_id(group.str());
  EXPECT_FALSE(ask(request).has_error());
  EXPECT_EQ(bob->count(F::kTyping), 1u);
}

}  // namespace
}  // namespace chat::sim
