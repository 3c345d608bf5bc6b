// The life-cycle journal: equal to what was done, in order per chat, and complete over crashes.
#include <map>
#include <set>

#include "tests/engine/talk.h"

namespace chat::sim {
namespace {

using Entry = std::pair<JournalKind, uint64_t>;

class LifeCycle : public testing::TestWithParam<int> {
 protected:
  LifeCycle() : world_(options(), store_) { run(1'000); }

  WorldOptions options() {
    WorldOptions options;
    options.engines_of_process.assign(static_cast<size_t>(GetParam()), 1);
    options.policy.upkeep_interval = seconds(5);
    options.on_journal = [this](const Journal& entry) { journal_.push_back(entry); };
    return options;
  }
  void run(int64_t ms) { world_.run_until(world_.now() + milliseconds(ms)); }
  v1::Response ask(const v1::Request& request) {
    v1::Response answer;
    world_.request(std::make_shared<const v1::Request>(request), [&](const v1::Response* response) {
      if (response) answer = *response;
    });
    run(1'000);
    return answer;
  }
  ChatId make(std::vector<uint64_t> members, int64_t ttl_ms) {
    v1::Request request;
    request.set_user_id(members.front());
    request.mutable_create_chat()->set_kind(v1::GROUP);
    request.mutable_create_chat()->set_ttl_ms(ttl_ms);
    for (size_t i = 1; i < members.size(); ++i) {
      request.mutable_create_chat()->add_member_ids(members[i]);
    }
    return *ChatId::from_bytes(ask(request).chat().chat().chat_id());
  }
  void change(const ChatId& chat, std::vector<uint64_t> add, std::vector<uint64_t> remove) {
    v1::Request request;
    request.mutable_change_members()->set_chat_id(chat.str());
    request.mutable_change_members()->set_client_op_id(Device::key_bytes(++key_));
    for (uint64_t user : add) request.mutable_change_members()->add_add(user);
    for (uint64_t user : remove) request.mutable_change_members()->add_remove(user);
    ask(request);
  }
  /// What the journal says of a chat, without entries that were told again.
  std::vector<Entry> told(const ChatId& chat) const {
    std::vector<Entry> entries;
    std::set<std::tuple<uint64_t, JournalKind, uint64_t>> known;
    for (const Journal& entry : journal_) {
      if (entry.chat != chat) continue;
      if (!known.emplace(entry.seq, entry.kind, entry.user.value).second) continue;
      entries.emplace_back(entry.kind, entry.user.value);
    }
    return entries;
  }

  std::vector<Journal> journal_;
  MemoryChatStore store_{4711};
  VirtualWorld world_;
  uint32_t key_ = 0;
};

TEST_P(LifeCycle, TheJournalEqualsTheActionsInOrder) {
  const ChatId chat = make({1, 2}, 60'000);
  change(chat, {3}, {});
  change(chat, {}, {2});
  change(chat, {2}, {3});
  run(70'000);
  using K = JournalKind;
  EXPECT_EQ(told(chat), (std::vector<Entry>{{K::created, 1},
                                            {K::enter, 1},
                                            {K::enter, 2},
                                            {K::enter, 3},
                                            {K::exit, 2},
                                            {K::enter, 2},
                                            {K::exit, 3},
                                            {K::ended_ttl, 0}}));
  EXPECT_EQ(journal_.size(), 8u) << "without a crash nothing is told twice";
  EXPECT_EQ(journal_.front().actor, UserId{1});
}

TEST_P(LifeCycle, OrdinaryMessagesAreNotTold) {
  const ChatId chat = make({1, 2}, 0);
  const size_t before = journal_.size();
  v1::Request request;
  request.set_user_id(1);
  request.mutable_send()->set_chat_id(chat.str());
  request.mutable_send()->set_client_msg_id(Device::key_bytes(1));
  request.mutable_send()->set_text("hello");
  ask(request);
  EXPECT_EQ(journal_.size(), before);
}

TEST_P(LifeCycle, TheFirstMessageOfADirectChatMakesIt) {
  v1::Request request;
  request.set_user_id(1);
  request.mutable_send()->set_peer_user_id(2);
  request.mutable_send()->set_client_msg_id(Device::key_bytes(1));
  request.mutable_send()->set_text("hello");
  ask(request);
  EXPECT_EQ(told(ChatId::direct(UserId{1}, UserId{2})),
            (std::vector<Entry>{{JournalKind::created, 1}}));
}

INSTANTIATE_TEST_SUITE_P(Engines, LifeCycle, testing::Values(1, 3));

}  // namespace
}  // namespace chat::sim
