// The life-cycle journal: equal to what was done, in order per chat, and complete over crashes.
#include <map>
#include <set>

#include "tests/engine/talk.h"

namespace chat::sim {
namespace {

using Entry = std::pair<JournalKind, uint64_t>;
using K = JournalKind;

class LifeCycle : public testing::TestWithParam<int> {
 protected:
  LifeCycle() : world_(options(), store_) { run(1'000); }

  WorldOptions options() {
    WorldOptions options;
    options.engines_of_process.assign(static_cast<size_t>(GetParam()), 1);
    options.policy.upkeep_interval = seconds(5);
    options.policy.empty_chat_grace = minutes(1);
    options.on_journal = [this](const Journal& entry) { journal_.push_back(entry); };
    return options;
  }
  void run(int64_t ms) { world_.run_until(world_.now() + milliseconds(ms)); }
  /// Asks; all engines crash `crash_after` that, if given, and then it is asked until it is done.
  v1::Response ask(const v1::Request& request, std::optional<int64_t> crash_after = std::nullopt) {
    const auto answer = std::make_shared<v1::Response>();
    for (int tries = 0; !done(*answer) && tries < 30; ++tries) {
      world_.request(std::make_shared<const v1::Request>(request),
                     [answer](const v1::Response* response) {
                       if (response) *answer = *response;
                     });
      if (tries == 0 && crash_after) {
        run(*crash_after);
        for (size_t i = 0; i < world_.processes(); ++i) world_.crash(i, milliseconds(500));
      }
      run(1'000);
    }
    EXPECT_TRUE(done(*answer)) << answer->ShortDebugString();
    return *answer;
  }
  static bool done(const v1::Response& answer) {
    return answer.has_chat() || answer.has_send_ack();
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
  struct Change {
    std::vector<uint64_t> add = {}, remove = {}, ban = {}, unban = {};
    std::optional<int64_t> crash_after = {};  ///< Milliseconds; then all engines crash.
  };
  void change(const ChatId& chat, const Change& wish) {
    v1::Request request;
    v1::ChangeMembers& change = *request.mutable_change_members();
    change.set_chat_id(chat.str());
    change.set_client_op_id(Device::key_bytes(++key_));
    for (uint64_t user : wish.add) change.add_add(user);
    for (uint64_t user : wish.remove) change.add_remove(user);
    for (uint64_t user : wish.ban) change.add_ban(user);
    for (uint64_t user : wish.unban) change.add_unban(user);
    ask(request, wish.crash_after);
  }
  void end(const ChatId& chat, std::optional<int64_t> crash_after = std::nullopt) {
    v1::Request request;
    request.mutable_delete_chat()->set_chat_id(chat.str());
    request.mutable_delete_chat()->set_client_op_id(Device::key_bytes(++key_));
    ask(request, crash_after);
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
  change(chat, {.add = {3}});
  change(chat, {.remove = {2}});
  change(chat, {.add = {2}, .remove = {3}});
  run(70'000);
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

TEST_P(LifeCycle, BansAndEveryWayToEndAreToldInOrderThoughAllEnginesCrashInBetween) {
  const auto crash_all = [&] {
    for (size_t i = 0; i < world_.processes(); ++i) world_.crash(i, milliseconds(500));
    run(3'000);
  };
  const ChatId deleted = make({1, 2, 3}, 0), emptied = make({1, 2}, 0),
               brief = make({1, 2}, 60'000);
  change(deleted, {.ban = {2}});
  change(deleted, {.remove = {3}, .ban = {4}});
  crash_all();
  change(deleted, {.unban = {2}});
  change(deleted, {.add = {2}, .unban = {4}});
  change(emptied, {.remove = {2}});
  crash_all();
  change(emptied, {.remove = {1}});
  end(deleted);
  crash_all();
  run(120'000);
  EXPECT_EQ(told(deleted), (std::vector<Entry>{{K::created, 1},
                                               {K::enter, 1},
                                               {K::enter, 2},
                                               {K::enter, 3},
                                               {K::banned, 2},
                                               {K::exit, 3},
                                               {K::banned, 4},
                                               {K::unbanned, 2},
                                               {K::unbanned, 4},
                                               {K::enter, 2},
                                               {K::ended_deleted, 0}}));
  EXPECT_EQ(told(emptied), (std::vector<Entry>{{K::created, 1},
                                               {K::enter, 1},
                                               {K::enter, 2},
                                               {K::exit, 2},
                                               {K::exit, 1},
                                               {K::ended_empty, 0}}));
  EXPECT_EQ(told(brief),
            (std::vector<Entry>{{K::created, 1}, {K::enter, 1}, {K::enter, 2}, {K::ended_ttl, 0}}));
}

/// The crash comes before the change is stored, between that and its entry, or after both.
TEST_P(LifeCycle, AnEntryIsNotLostWhateverTheMomentOfACrash) {
  const ChatId chat = make({1, 2}, 0);
  std::vector<Entry> expected{{K::created, 1}, {K::enter, 1}, {K::enter, 2}};
  for (int64_t after = 0; after < 24; after += 2) {
    change(chat, {.add = {3}, .crash_after = after});
    change(chat, {.ban = {3}, .crash_after = after + 1});
    change(chat, {.unban = {3}, .crash_after = after});
    for (K kind : {K::enter, K::banned, K::unbanned}) expected.emplace_back(kind, 3);
  }
  end(chat, 4);
  expected.emplace_back(K::ended_deleted, 0);
  run(30'000);
  EXPECT_EQ(told(chat), expected);
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
