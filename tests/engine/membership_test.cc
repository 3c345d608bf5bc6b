#include "tests/engine/talk.h"

namespace chat::sim {
namespace {

using testing::Values;
using F = v1::ServerFrame;

class Membership : public Talk {
 protected:
  v1::ChangeMembers add(std::vector<uint64_t> users) {
    v1::ChangeMembers change;
    for (uint64_t user : users) change.add_add(user);
    return change;
  }
  v1::ChangeMembers remove(uint64_t user) {
    v1::ChangeMembers change;
    change.add_remove(user);
    return change;
  }
  v1::ChangeMembers ban(uint64_t user) {
    v1::ChangeMembers change;
    change.add_ban(user);
    return change;
  }
  v1::ChangeMembers unban(uint64_t user) {
    v1::ChangeMembers change;
    change.add_unban(user);
    return change;
  }
  v1::ChangeMembers role(uint64_t user, v1::Role role) {
    v1::ChangeMembers change;
    change.add_set_roles()->set_user_id(user);
    change.mutable_set_roles(0)->set_role(role);
    return change;
  }
  static v1::ErrorCode code(const v1::Response& response) { return response.error().code(); }
  v1::ErrorCode change(uint64_t user, const ChatId& chat, const v1::ChangeMembers& change) {
    return code(change_members(user, chat, change));
  }
  v1::Response update(uint64_t user, const ChatId& chat, const std::string& title) {
    v1::Request request;
    request.set_user_id(user);
    request.mutable_update_chat()->set_chat_id(chat.str());
    request.mutable_update_chat()->set_title(title);
    return ask(request);
  }
  v1::Response end(uint64_t user, const ChatId& chat, const std::string& key = {}) {
    v1::Request request;
    request.set_user_id(user);
    request.mutable_delete_chat()->set_chat_id(chat.str());
    request.mutable_delete_chat()->set_client_op_id(key);
    return ask(request);
  }

  static constexpr v1::ErrorCode kDone = v1::ERROR_CODE_UNSPECIFIED;
};
INSTANTIATE_TEST_SUITE_P(Engines, Membership, Values(1, 2, 3));

TEST_P(Membership, ABannedMemberIsToldAndCannotComeBackUntilUnbanned) {
  const ChatId group = make_chat(v1::GROUP, {1, 2, 3});
  auto bob = device(2, "phone", Encoding::json);
  bob->join_live();
  EXPECT_EQ(change(1, group, ban(2)), kDone);
  const v1::MemberChange& told = bob->last(F::kEvent)->event().member();
  ASSERT_EQ(told.banned_size(), 1);
  EXPECT_EQ(told.banned(0), 2u);
  EXPECT_EQ(told.left_size(), 0);
  bob->say(group, "still here?", 1);
  EXPECT_EQ(bob->error(), v1::PERMISSION_DENIED);
  EXPECT_EQ(change(1, group, add({2})), v1::PERMISSION_DENIED);
  EXPECT_EQ(change(1, group, unban(2)), kDone);
  EXPECT_EQ(change(1, group, add({2})), kDone);
  bob->frames.clear();
  bob->say(group, "back", 2);
  EXPECT_EQ(bob->last(F::kSendAck)->send_ack().status(), v1::STORED);
  const auto log = log_of(1, group);
  ASSERT_EQ(log.size(), 5u) << "made, banned, unbanned, joined, said";
  EXPECT_EQ(log[1].member().banned(0), 2u);
  EXPECT_EQ(log[2].member().unbanned(0), 2u);
  EXPECT_EQ(log[3].member().joined(0), 2u);
}

TEST_P(Membership, ABannedUserLeavesARoomAtOnceAndCannotJoinIt) {
  const ChatId room = make_chat(v1::ROOM, {1, 2});
  auto bob = device(2), eve = device(3);
  bob->join_live();
  bob->sync_room(room, 0);
  ASSERT_TRUE(bob->last(F::kSyncPage)->sync_page().done());
  EXPECT_EQ(change(1, room, ban(2)), kDone);
  EXPECT_EQ(change(1, room, ban(3)), kDone) << "who has not come yet";
  auto ada = device(1);
  ada->join_live();
  bob->frames.clear();
  ada->say(room, "without you", 1);
  EXPECT_TRUE(bob->texts().empty());
  bob->sync_room(room, 0);
  EXPECT_EQ(bob->error(), v1::PERMISSION_DENIED);
  EXPECT_EQ(change(2, room, add({2})), v1::PERMISSION_DENIED);
  EXPECT_EQ(change(3, room, add({3})), v1::PERMISSION_DENIED);
  EXPECT_EQ(change(4, room, add({4})), kDone) << "anybody else joins a room";
  EXPECT_EQ(change(1, room, unban(3)), kDone);
  EXPECT_EQ(change(3, room, add({3})), kDone);
}

TEST_P(Membership, RolesDecideWhoMayChangeWhom) {
  const ChatId group = make_chat(v1::GROUP, {1, 2, 3, 4});
  EXPECT_EQ(change(2, group, role(2, v1::ADMIN)), v1::PERMISSION_DENIED);
  EXPECT_EQ(change(1, group, role(2, v1::ADMIN)), kDone);
  EXPECT_EQ(change(1, group, role(3, v1::ADMIN)), kDone);
  EXPECT_EQ(change(2, group, ban(1)), v1::PERMISSION_DENIED) << "an admin bans no owner";
  EXPECT_EQ(change(2, group, remove(3)), v1::PERMISSION_DENIED) << "nor another admin";
  EXPECT_EQ(change(2, group, role(4, v1::ADMIN)), v1::PERMISSION_DENIED);
  EXPECT_EQ(change(2, group, add({5})), kDone);
  EXPECT_EQ(change(2, group, ban(5)), kDone);
  EXPECT_EQ(change(4, group, unban(5)), v1::PERMISSION_DENIED);
  EXPECT_EQ(change(4, group, add({6})), v1::PERMISSION_DENIED);
  EXPECT_EQ(change(4, group, remove(4)), kDone) << "anybody leaves";
  EXPECT_EQ(change(3, group, role(3, v1::MEMBER)), kDone) << "anybody steps down";
  EXPECT_EQ(change(1, group, role(9, v1::ADMIN)), v1::PERMISSION_DENIED) << "no member";
  EXPECT_EQ(change(0, group, role(3, v1::OWNER)), kDone) << "the operator does everything";
  EXPECT_EQ(change(9, group, add({2})), v1::PERMISSION_DENIED);
}

TEST_P(Membership, ARepeatedChangeOfMembersIsDoneOnce) {
  const ChatId group = make_chat(v1::GROUP, {1, 2});
  v1::ChangeMembers join = add({3});
  join.set_client_op_id(Device::key_bytes(5));
  EXPECT_EQ(change(1, group, join), kDone);
  EXPECT_EQ(change(1, group, remove(3)), kDone);
  EXPECT_EQ(change(1, group, join), kDone) << "answered as the first time";
  EXPECT_EQ(log_of(1, group).size(), 3u) << "but not done again";
  v1::ChangeMembers other = add({4});
  other.set_client_op_id(Device::key_bytes(5));
  EXPECT_EQ(change(1, group, other), v1::IDEMPOTENCY_MISMATCH);
  v1::ChangeMembers leave = remove(1);
  leave.set_client_op_id(Device::key_bytes(6));
  EXPECT_EQ(change(1, group, leave), kDone);
  EXPECT_EQ(change(1, group, leave), kDone) << "by one who is no member any more";
}

TEST_P(Membership, AGroupTakesAsManyMembersAsItsLimitSays) {
  std::vector<uint64_t> all;
  for (uint64_t user = 1; user <= 100; ++user) all.push_back(user);
  const ChatId group = make_chat(v1::GROUP, all);
  EXPECT_EQ(change(1, group, add({101})), v1::LIMIT_REACHED);
  v1::ChangeMembers swap = add({101});
  swap.add_remove(50);
  EXPECT_EQ(change(1, group, swap), kDone);
}

TEST_P(Membership, AnAdminChangesTheTitleAndEverybodyLearnsIt) {
  const ChatId group = make_chat(v1::GROUP, {1, 2});
  auto bob = device(2, "phone", Encoding::json);
  bob->join_live();
  EXPECT_EQ(code(update(2, group, "mine")), v1::PERMISSION_DENIED);
  const v1::Response response = update(1, group, "the group");
  EXPECT_EQ(response.chat().chat().title(), "the group") << response.ShortDebugString();
  EXPECT_EQ(bob->last(F::kEvent)->event().chat_updated().title(), "the group");
  EXPECT_EQ(update(1, group, "the group").chat().chat().last_seq(), 2u) << "nothing changed";
  EXPECT_EQ(code(update(1, group, std::string(257, 'x'))), v1::INVALID_ARGUMENT);
}

TEST_P(Membership, AChatThatIsOverTellsSoAndTakesNothingMore) {
  const ChatId group = make_chat(v1::GROUP, {1, 2});
  auto ada = device(1), bob = device(2, "phone", Encoding::json);
  ada->join_live();
  bob->join_live();
  ada->say(group, "last words", 1);
  EXPECT_EQ(code(end(2, group)), v1::PERMISSION_DENIED);
  EXPECT_EQ(code(end(1, group, Device::key_bytes(9))), kDone);
  const v1::Expired& expired = bob->last(F::kEvent)->event().expired();
  EXPECT_EQ(expired.reason(), v1::DELETED);
  EXPECT_EQ(expired.up_to_seq(), 2u);
  EXPECT_EQ(code(end(1, group, Device::key_bytes(9))), kDone) << "repeated";
  bob->say(group, "hello?", 2);
  EXPECT_EQ(bob->error(), v1::NOT_FOUND);
  EXPECT_EQ(change(1, group, add({3})), v1::NOT_FOUND);
  EXPECT_EQ(code(update(1, group, "again")), v1::NOT_FOUND);
  ada->say(group, "last words", 1);
  EXPECT_EQ(ada->last(F::kSendAck)->send_ack().status(), v1::DUPLICATE);
}

TEST_P(Membership, ADirectChatHasNoOwnerAndNeverEnds) {
  auto ada = device(1);
  ada->join_live();
  const ChatId chat = ChatId::direct(UserId{1}, UserId{2});
  ada->say(chat, "hi", 1);
  EXPECT_EQ(code(end(1, chat)), v1::INVALID_ARGUMENT);
  EXPECT_EQ(change(1, chat, ban(2)), v1::INVALID_ARGUMENT);
  EXPECT_EQ(code(update(1, chat, "us")), v1::PERMISSION_DENIED);
}

TEST_P(Membership, WhoLeavesARoomsStreamGetsNothingUntilItSyncsAgain) {
  const ChatId room = make_chat(v1::ROOM, {1, 2});
  auto ada = device(1), bob = device(2, "phone", Encoding::json);
  ada->join_live();
  bob->join_live();
  bob->sync_room(room, 0);
  ada->say(room, "one", 1);
  EXPECT_EQ(bob->texts(), std::vector<std::string>{"one"});
  bob->leave_room(room);
  bob->leave_room(room);
  ada->say(room, "two", 2);
  EXPECT_EQ(bob->texts(), std::vector<std::string>{"one"});
  bob->sync_room(room, 3);
  EXPECT_EQ(bob->texts(), (std::vector<std::string>{"one", "two"}));
  ada->say(room, "three", 3);
  EXPECT_EQ(bob->texts(), (std::vector<std::string>{"one", "two", "three"}));
  EXPECT_FALSE(bob->last(F::kError));
}

TEST_P(Membership, APageAskedForBeforeLeavingIsNoAnswerToOneWhoCameBack) {
  const ChatId room = make_chat(v1::ROOM, {1, 2});
  auto bob = device(2);
  bob->join_live();
  const auto sync = [&](uint32_t id) {
    v1::ClientFrame frame;
    frame.set_id(id);
    frame.mutable_sync()->set_chat_id(room.str());
    frame.mutable_sync()->set_from_seq(1);
    return frame;
  };
  v1::ClientFrame leave;
  leave.mutable_leave_room()->set_chat_id(room.str());
  bob->frames.clear();
  bob->post_all({sync(901), leave, sync(902)});
  run(1'000);
  ASSERT_EQ(bob->count(F::kSyncPage), 1u);
  EXPECT_EQ(bob->last(F::kSyncPage)->reply_to(), 902u);
}

}  // namespace
}  // namespace chat::sim
