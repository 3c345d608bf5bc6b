#include "tests/engine/talk.h"

namespace chat::sim {
namespace {

using testing::Values;
using Texts = std::vector<std::string>;
using F = v1::ServerFrame;

class Messages : public Talk {};
INSTANTIATE_TEST_SUITE_P(Engines, Messages, Values(1, 2, 3));

TEST_P(Messages, ADirectMessageReachesBothUsersAndIsAcknowledgedAsStored) {
  auto ada = device(1), bob = device(2, "laptop", Encoding::json);
  ada->join_live();
  bob->join_live();
  ada->say(ChatId::direct(UserId{1}, UserId{2}), "hello", 1);
  ASSERT_TRUE(ada->last(F::kSendAck));
  EXPECT_EQ(ada->last(F::kSendAck)->send_ack().status(), v1::STORED);
  EXPECT_EQ(ada->last(F::kSendAck)->send_ack().seq(), 1u);
  EXPECT_EQ(bob->texts(), Texts{"hello"});
  EXPECT_EQ(ada->texts(), Texts{"hello"});
  EXPECT_EQ(ada->last(F::kEvent)->client_msg_id(), std::string(16, '\x01'));
  EXPECT_TRUE(bob->last(F::kEvent)->client_msg_id().empty());
  EXPECT_EQ(bob->last(F::kEvent)->inbox_seq(), 1u);
  EXPECT_EQ(bob->last(F::kEvent)->event().actor().name(), name_of(UserId{1}));
}

TEST_P(Messages, TheSameKeyAgainIsTheSameMessageAndAnotherTextIsRefused) {
  auto ada = device(1), bob = device(2);
  ada->join_live();
  bob->join_live();
  const ChatId chat = ChatId::direct(UserId{1}, UserId{2});
  ada->say(chat, "once", 7);
  ada->say(chat, "once", 7);
  EXPECT_EQ(ada->last(F::kSendAck)->send_ack().status(), v1::DUPLICATE);
  EXPECT_EQ(ada->last(F::kSendAck)->send_ack().seq(), 1u);
  ada->say(chat, "other", 7);
  EXPECT_EQ(ada->error(), v1::IDEMPOTENCY_MISMATCH);
  EXPECT_EQ(bob->texts(), Texts{"once"});
}

TEST_P(Messages, TwoFirstMessagesMeetInOneChat) {
  auto ada = device(1), bob = device(2);
  ada->join_live();
  bob->join_live();
  v1::ClientFrame frame;
  frame.mutable_send()->set_client_msg_id(std::string(16, '\x02'));
  frame.mutable_send()->set_text("from bob");
  frame.mutable_send()->set_peer_user_id(1);
  bob->send(frame);
  ada->say(ChatId::direct(UserId{1}, UserId{2}), "from ada", 1);
  run(500);
  EXPECT_EQ(ada->texts(), (Texts{"from bob", "from ada"}));
  EXPECT_EQ(bob->texts(), (Texts{"from bob", "from ada"}));
}

TEST_P(Messages, AForeignChatAndAnUnknownUserAreRefused) {
  auto eve = device(9);
  eve->join_live();
  eve->say(ChatId::direct(UserId{1}, UserId{2}), "let me in", 1);
  EXPECT_EQ(eve->error(), v1::PERMISSION_DENIED);
  eve->say(make_chat(v1::GROUP, {1, 2}), "let me in", 2);
  EXPECT_EQ(eve->error(), v1::PERMISSION_DENIED);
  eve->say(ChatId::direct(UserId{9}, UserId{123'456}), "anybody there?", 3);
  EXPECT_EQ(eve->error(), v1::NOT_FOUND);
  EXPECT_EQ(eve->last(F::kError)->error().client_msg_id(), std::string(16, '\x03'));
}

TEST_P(Messages, ATextOfExactlyTheLimitIsTakenAndOneByteMoreIsRefused) {
  auto ada = device(1);
  ada->join_live();
  const ChatId chat = ChatId::direct(UserId{1}, UserId{2});
  ada->say(chat, std::string(16 * 1024, 'x'), 1);
  EXPECT_TRUE(ada->last(F::kSendAck));
  ada->say(chat, std::string(16 * 1024 + 1, 'x'), 2);
  EXPECT_EQ(ada->error(), v1::TOO_LARGE);
  EXPECT_FALSE(ada->closed.has_value());
}

TEST_P(Messages, GroupMembersGetEverythingFromTheirJoinToTheirLeave) {
  const ChatId group = make_chat(v1::GROUP, {1, 2});
  auto ada = device(1), bob = device(2), cat = device(3);
  for (auto* d : {&ada, &bob, &cat}) (*d)->join_live();
  ada->say(group, "before", 1);
  v1::Request change;
  change.set_user_id(1);
  change.mutable_change_members()->set_chat_id(group.str());
  change.mutable_change_members()->add_add(3);
  EXPECT_TRUE(ask(change).has_chat());
  ada->say(group, "with cat", 2);
  change.mutable_change_members()->clear_add();
  change.mutable_change_members()->add_remove(3);
  EXPECT_TRUE(ask(change).has_chat());
  ada->say(group, "after", 3);
  EXPECT_EQ(bob->texts(), (Texts{"before", "with cat", "after"}));
  EXPECT_EQ(cat->texts(), Texts{"with cat"});
  EXPECT_EQ(cat->last(F::kEvent)->event().member().left(0), 3u);
  cat->say(group, "still here", 4);
  EXPECT_EQ(cat->error(), v1::PERMISSION_DENIED);
}

TEST_P(Messages, AGroupTakesAHundredMembersAndNoMore) {
  std::vector<uint64_t> members;
  for (uint64_t user = 1; user <= 100; ++user) members.push_back(user);
  const ChatId group = make_chat(v1::GROUP, members);
  v1::Request change;
  change.set_user_id(1);
  change.mutable_change_members()->set_chat_id(group.str());
  change.mutable_change_members()->add_add(101);
  EXPECT_EQ(ask(change).error().code(), v1::LIMIT_REACHED);
}

TEST_P(Messages, ARoomPushesToLiveSessionsAndWritesNoInboxRowsForMessages) {
  const ChatId room = make_chat(v1::ROOM, {1, 2, 3});
  auto ada = device(1), bob = device(2), cat = device(3, "tablet", Encoding::json);
  for (auto* d : {&ada, &bob, &cat}) {
    (*d)->join_live();
    (*d)->sync_room(room, 0);
  }
  const uint64_t rows = total_of(&EngineCounters::inbox_rows);
  ada->say(room, "one", 1);
  bob->say(room, "two", 2);
  EXPECT_EQ(ada->texts(), (Texts{"one", "two"}));
  EXPECT_EQ(bob->texts(), (Texts{"one", "two"}));
  EXPECT_EQ(cat->texts(), (Texts{"one", "two"}));
  EXPECT_EQ(bob->last(F::kEvent)->client_msg_id(), std::string(16, '\x02'));
  EXPECT_EQ(total_of(&EngineCounters::inbox_rows), rows);
}

TEST_P(Messages, ARoomIsReadFromItsCursorAndThenPushed) {
  const ChatId room = make_chat(v1::ROOM, {1, 2});
  auto ada = device(1), bob = device(2);
  ada->join_live();
  bob->join_live();
  for (uint8_t i = 1; i <= 5; ++i) ada->say(room, std::to_string(i), i);
  bob->sync_room(room, 4);  // The members' event has seq 1.
  ada->say(room, "live", 9);
  EXPECT_EQ(bob->texts(), (Texts{"3", "4", "5", "live"}));
}

TEST_P(Messages, HistoryPagesFromTheFirstEventToTheLastWithoutGapOrRepeatWhileOthersWrite) {
  auto ada = device(1), bob = device(2);
  ada->join_live();
  bob->join_live();
  const ChatId chat = ChatId::direct(UserId{1}, UserId{2});
  uint32_t said = 0;
  for (; said < 7; ++said) ada->say(chat, std::to_string(said + 1), said + 1);
  std::vector<uint64_t> seqs, dense;
  Texts texts, expected;
  for (bool complete = false; !complete;) {
    const bool all_said = said == 17;
    for (int i = 0; i < 2 && said < 17; ++i, ++said) {  // Under way while the page is read.
      bob->post(bob->message(chat, std::to_string(said + 1), said + 1));
    }
    v1::ClientFrame frame;
    frame.set_id(77);
    frame.mutable_history()->set_chat_id(chat.str());
    frame.mutable_history()->set_after_seq(seqs.empty() ? 0 : seqs.back());
    frame.mutable_history()->set_forward(true);
    frame.mutable_history()->set_limit(3);
    ada->send(frame);
    const v1::HistoryPage& page = ada->last(F::kHistoryPage)->history_page();
    for (const auto& event : page.events()) {
      seqs.push_back(event.seq());
      texts.push_back(event.message().text());
    }
    complete = all_said && page.complete();
  }
  for (uint64_t seq = 1; seq <= 17; ++seq) {
    expected.push_back(std::to_string(seq));
    dense.push_back(seq);
  }
  EXPECT_EQ(seqs, dense);
  EXPECT_EQ(texts, expected);
}

TEST_P(Messages, MarksReachTheOthersAndOwnReadsReachTheOwnDevices) {
  auto ada = device(1), bob = device(2), bobs_laptop = device(2, "laptop");
  for (auto* d : {&ada, &bob, &bobs_laptop}) (*d)->join_live();
  const ChatId chat = ChatId::direct(UserId{1}, UserId{2});
  ada->say(chat, "seen?", 1);
  bob->ack(1);
  run(500);
  ASSERT_TRUE(ada->last(F::kReceipt));
  EXPECT_EQ(ada->last(F::kReceipt)->receipt().delivered_seq(), 1u);
  EXPECT_EQ(ada->last(F::kReceipt)->receipt().read_seq(), 0u);
  v1::ClientFrame read;
  read.set_id(5);
  read.mutable_read()->set_chat_id(chat.str());
  read.mutable_read()->set_up_to_seq(1);
  bob->send(read);
  run(500);
  EXPECT_EQ(ada->last(F::kReceipt)->receipt().read_seq(), 1u);
  ASSERT_TRUE(bobs_laptop->last(F::kReceipt));
  EXPECT_EQ(bobs_laptop->last(F::kReceipt)->receipt().read_seq(), 1u);
  EXPECT_EQ(bobs_laptop->last(F::kReceipt)->inbox_seq(), 2u);
  run(2'000);
  v1::Request get;
  get.mutable_get_chat()->set_chat_id(chat.str());
  EXPECT_EQ(ask(get).chat().members(1).read_seq(), 1u);
}

}  // namespace
}  // namespace chat::sim
