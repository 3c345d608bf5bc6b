// A client claimed to have read further than its chat goes: the mark was never confirmed, and its
// user stayed in memory for ever.
#include "tests/engine/talk.h"

namespace chat::sim {
namespace {

class ReadBeyondEnd : public Talk {};
INSTANTIATE_TEST_SUITE_P(Engines, ReadBeyondEnd, testing::Values(1, 2));

TEST_P(ReadBeyondEnd, CountsAsReadToTheEndAndIsForgotten) {
  auto ada = device(1), bob = device(2);
  ada->join_live();
  bob->join_live();
  const ChatId chat = ChatId::direct(UserId{1}, UserId{2});
  ada->say(chat, "read me", 1);
  v1::ClientFrame read;
  read.set_id(5);
  read.mutable_read()->set_chat_id(chat.str());
  read.mutable_read()->set_up_to_seq(1'000'000);
  bob->send(read);
  run(3'000);
  v1::Request get;
  get.mutable_get_chat()->set_chat_id(chat.str());
  EXPECT_EQ(ask(get).chat().members(1).read_seq(), 1u);
  v1::Request list;
  list.set_user_id(2);
  list.mutable_list_chats();
  EXPECT_EQ(ask(list).chat_list().chats(0).read_seq(), 1u);
  ada->leave();
  bob->leave();
  run(7 * 60'000);
  for (const EngineCounters& engine : world_.counters()) {
    EXPECT_EQ(engine.users_loaded, 0u);
    EXPECT_EQ(engine.chats_loaded, 0u);
  }
}

}  // namespace
}  // namespace chat::sim
