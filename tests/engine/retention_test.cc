// How chats forget, under a virtual clock: retention, temporary chats, chats without members, and
// what becomes of their storage.
#include "core/store/chat_store.h"
#include "tests/engine/talk.h"

namespace chat::sim {
namespace {

constexpr int64_t kMinute = 60'000;

EnginePolicy policy() {
  EnginePolicy policy;
  policy.upkeep_interval = seconds(10);
  policy.empty_chat_grace = minutes(60);
  policy.ended_chat_grace = minutes(120);
  return policy;
}

class Retention : public Talk {
 protected:
  Retention() : Talk(policy()) {}

  ChatId make(v1::ChatKind kind, std::vector<uint64_t> members, int64_t retention_ms,
              int64_t ttl_ms = 0) {
    v1::Request request;
    request.set_user_id(members.front());
    v1::CreateChat& create = *request.mutable_create_chat();
    create.set_kind(kind);
    create.set_retention_ms(retention_ms);
    create.set_ttl_ms(ttl_ms);
    for (size_t i = 1; i < members.size(); ++i) create.add_member_ids(members[i]);
    const v1::Response response = ask(request);
    EXPECT_TRUE(response.has_chat()) << response.ShortDebugString();
    return *ChatId::from_bytes(response.chat().chat().chat_id());
  }
  v1::Response history(const ChatId& chat, uint64_t user, uint64_t after_seq = 0) {
    v1::Request request;
    request.set_user_id(user);
    request.mutable_history()->set_chat_id(chat.str());
    request.mutable_history()->set_forward(true);
    request.mutable_history()->set_after_seq(after_seq);
    return ask(request);
  }
  std::vector<std::string> history_texts(const ChatId& chat, uint64_t user) {
    std::vector<std::string> texts;
    const v1::Response page = history(chat, user);
    for (const auto& event : page.history_page().events()) {
      if (event.has_message()) texts.push_back(event.message().text());
    }
    return texts;
  }
  v1::Response send(const ChatId& chat, uint64_t user, const std::string& text, uint32_t key) {
    v1::Request request;
    request.set_user_id(user);
    request.mutable_send()->set_chat_id(chat.str());
    request.mutable_send()->set_client_msg_id(Device::key_bytes(key));
    request.mutable_send()->set_text(text);
    return ask(request);
  }
  v1::Response change(const ChatId& chat, std::vector<uint64_t> add, std::vector<uint64_t> remove) {
    v1::Request request;
    request.mutable_change_members()->set_chat_id(chat.str());
    for (uint64_t user : add) request.mutable_change_members()->add_add(user);
    for (uint64_t user : remove) request.mutable_change_members()->add_remove(user);
    return ask(request);
  }
  ChatRow row(const ChatId& chat) {
    return std::get<ChatLoaded>(store_.read(LoadChat{chat})).row.value();
  }
  /// The store's own rows, whatever the row of the chat hides.
  size_t stored_members(const ChatId& chat) {
    return std::get<ChatLoaded>(store_.read(LoadChat{chat})).members.size();
  }
  size_t authored(uint64_t user) {
    return std::get<AuthoredListed>(store_.read(ListAuthored{.user = UserId{user}})).items.size();
  }
  bool is_due_again(const ChatId& chat) {
    const auto agenda = std::get<AgendaScanned>(
        store_.read(ScanAgenda{.until_ms = std::numeric_limits<int64_t>::max()}));
    return std::any_of(agenda.items.begin(), agenda.items.end(),
                       [&](const auto& item) { return item.second == chat; });
  }
};

std::vector<std::string> pruned_of(const Device& device) {
  std::vector<std::string> seqs;
  for (const auto& frame : device.frames) {
    for (const auto& entry : frame.sync_page().entries()) {
      if (entry.has_pruned()) seqs.push_back(std::to_string(entry.pruned().seq()));
    }
  }
  return seqs;
}

v1::ExpiryReason end_told(const Device& device) {
  for (const auto& frame : device.frames) {
    if (frame.event().has_expired()) return frame.event().expired().reason();
    for (const auto& entry : frame.sync_page().entries()) {
      if (entry.event().has_expired()) return entry.event().expired().reason();
    }
  }
  return v1::EXPIRY_REASON_UNSPECIFIED;
}

// ---------------------------------------------------------------- retention

TEST_P(Retention, AfterElevenMinutesATenMinuteChatShowsNothingAndTheOthersAll) {
  const ChatId kept = make(v1::GROUP, {1, 2}, 0), brief = make(v1::GROUP, {1, 2}, 10 * kMinute);
  const ChatId direct = ChatId::direct(UserId{1}, UserId{2});
  for (uint32_t i = 1; i <= 5; ++i) {
    send(kept, 1, "kept " + std::to_string(i), i);
    send(brief, 1, "brief " + std::to_string(i), i);
    send(direct, 1, "direct " + std::to_string(i), i);
  }
  EXPECT_EQ(history_texts(brief, 2).size(), 5u);
  EXPECT_EQ(authored(1), 17u) << "two creations and the messages";
  run(11 * kMinute);
  EXPECT_TRUE(history_texts(brief, 2).empty());
  EXPECT_EQ(history_texts(kept, 2).size(), 5u);
  EXPECT_EQ(history_texts(direct, 2).size(), 5u);
  run(2 * kMinute);
  EXPECT_EQ(row(brief).oldest_seq, 7u);
  EXPECT_EQ(authored(1), 11u) << "their rows in the author index went with them";
  EXPECT_FALSE(is_due_again(brief)) << "nothing is left to prune";
}

TEST_P(Retention, WhatIsTooOldIsNotShownEvenBeforeItIsPruned) {
  const ChatId chat = make(v1::GROUP, {1, 2}, 10 * kMinute);
  send(chat, 1, "old", 1);
  run(6 * kMinute);
  send(chat, 1, "new", 2);
  run(4 * kMinute - 8'000);
  ASSERT_EQ(history_texts(chat, 2), (std::vector<std::string>{"old", "new"}));
  for (int i = 0; i < 12; ++i) {
    // Every second over the limit, whether the pruning came already or not.
    run(1'000);
    const auto texts = history_texts(chat, 2);
    EXPECT_EQ(texts.back(), "new");
    if (i > 8) {
      EXPECT_EQ(texts.size(), 1u) << i;
    }
  }
}

TEST_P(Retention, WhatIsTooOldIsNotListedToItsAuthorEither) {
  const ChatId brief = make(v1::GROUP, {1, 2}, kMinute);
  const ChatId temporary = make(v1::GROUP, {1, 2}, 0, kMinute);
  const int64_t made_ms = world_.wall().ms;
  for (uint32_t key = 1; key <= 2; ++key) send(key == 1 ? brief : temporary, 1, "old", key);
  v1::Request request;
  request.set_user_id(1);
  request.mutable_list_authored();
  EXPECT_EQ(ask(request).authored().events_size(), 2);
  run(kMinute - 10'000);
  v1::Response list;
  for (int second = 0; second < 25; ++second) {
    const int64_t asked_ms = world_.wall().ms;
    list = ask(request);
    for (const v1::Event& event : list.authored().events()) {
      EXPECT_LE(asked_ms - event.server_ts_ms(), kMinute);
      if (event.chat_id() == temporary.str()) {
        EXPECT_LT(asked_ms, made_ms + kMinute);
      }
    }
  }
  EXPECT_TRUE(list.has_authored());
  EXPECT_EQ(list.authored().events_size(), 0);
}

TEST_P(Retention, AnAfterSeqBelowTheOldestIsRangePruned) {
  const ChatId chat = make(v1::GROUP, {1, 2}, 10 * kMinute);
  for (uint32_t i = 1; i <= 3; ++i) send(chat, 1, "old", i);
  run(11 * kMinute);
  send(chat, 1, "new", 4);
  const v1::Response pruned = history(chat, 2, 1);
  EXPECT_EQ(pruned.error().code(), v1::RANGE_PRUNED) << pruned.ShortDebugString();
  const v1::Response page = history(chat, 2);
  EXPECT_EQ(page.history_page().oldest_seq(), 5u);
  EXPECT_TRUE(page.history_page().complete());
  ASSERT_EQ(page.history_page().events_size(), 1);
  EXPECT_EQ(page.history_page().events(0).seq(), 5u);
}

TEST_P(Retention, ADeviceThatWasAwayGetsPrunedEntriesAtTheirPositions) {
  const ChatId chat = make(v1::GROUP, {1, 2}, 10 * kMinute);
  auto phone = device(2);
  phone->join_live();
  phone->leave();
  for (uint32_t i = 1; i <= 3; ++i) send(chat, 1, "old", i);
  run(11 * kMinute);
  send(chat, 1, "new", 4);
  phone->frames.clear();
  phone->join(1);
  phone->sync(2);
  EXPECT_EQ(phone->texts(), (std::vector<std::string>{"new"}));
  EXPECT_EQ(pruned_of(*phone), (std::vector<std::string>{"2", "3", "4"}));
}

TEST_P(Retention, ARoomTellsPrunedEventsBySeq) {
  const ChatId room = make(v1::ROOM, {1, 2}, 10 * kMinute);
  for (uint32_t i = 1; i <= 3; ++i) send(room, 1, "old", i);
  run(11 * kMinute);
  send(room, 1, "new", 4);
  auto phone = device(2);
  phone->join();
  phone->sync_room(room, 2);
  EXPECT_EQ(pruned_of(*phone), (std::vector<std::string>{"2", "3", "4"}));
  EXPECT_EQ(phone->texts(), (std::vector<std::string>{"new"}));
  EXPECT_TRUE(phone->last(v1::ServerFrame::kSyncPage)->sync_page().done());
}

TEST_P(Retention, AMessageThatIsRepeatedAfterItWasPrunedIsStillADuplicate) {
  const ChatId chat = make(v1::GROUP, {1, 2}, 10 * kMinute);
  const uint64_t seq = send(chat, 1, "once", 1).send_ack().seq();
  run(12 * kMinute);
  const v1::Response again = send(chat, 1, "once", 1);
  EXPECT_EQ(again.send_ack().status(), v1::DUPLICATE);
  EXPECT_EQ(again.send_ack().seq(), seq);
}

TEST_P(Retention, HistoryPagesGoThroughWithoutGapWhileTheOldEndIsPruned) {
  const ChatId chat = make(v1::GROUP, {1, 2}, 10 * kMinute);
  uint32_t key = 0;
  uint64_t last_seen = 0;
  for (int minute = 0; minute < 25; ++minute) {
    for (int i = 0; i < 3; ++i) send(chat, 1, "m", ++key);
    run(kMinute);
    v1::Response page = history(chat, 2, last_seen);
    if (page.error().code() == v1::RANGE_PRUNED) page = history(chat, 2);
    ASSERT_TRUE(page.has_history_page()) << page.ShortDebugString();
    for (const auto& event : page.history_page().events()) {
      if (last_seen != 0) {
        EXPECT_EQ(event.seq(), last_seen + 1);
      }
      last_seen = event.seq();
    }
  }
  EXPECT_EQ(last_seen, row(chat).last_seq);
  EXPECT_GT(row(chat).oldest_seq, 30u);
}

TEST_P(Retention, PruningSurvivesThatNobodyUsesTheChat) {
  const ChatId chat = make(v1::GROUP, {1, 2}, 10 * kMinute);
  send(chat, 1, "old", 1);
  for (size_t process = 0; process < world_.processes(); ++process) {
    world_.crash(process, milliseconds(500));
    run(2'000);
  }
  run(12 * kMinute);
  EXPECT_EQ(row(chat).oldest_seq, 3u);
  EXPECT_EQ(authored(1), 0u);
}

TEST_P(Retention, WhatIsSaidWhileTheLastOneIsBeingPrunedIsPrunedInItsTurn) {
  const ChatId chat = make(v1::GROUP, {1, 2}, kMinute);
  uint32_t key = 0;
  for (int i = 0; i < 60; ++i) {
    send(chat, 1, "m", ++key);
    run(kMinute + 200 * i);
  }
  run(3 * kMinute);
  EXPECT_EQ(row(chat).oldest_seq, row(chat).last_seq + 1);
  EXPECT_EQ(authored(1), 0u);
}

// ---------------------------------------------------------------- temporary chats

TEST_P(Retention, ATemporaryChatEndsAndEverybodyHearsOfIt) {
  const ChatId chat = make(v1::GROUP, {1, 2, 3}, 0, 30 * kMinute);
  auto here = device(2), away = device(3);
  here->join_live();
  away->join_live();
  send(chat, 1, "soon gone", 1);
  here->run(1'000);
  away->leave();
  run(31 * kMinute);
  EXPECT_EQ(send(chat, 1, "too late", 2).error().code(), v1::NOT_FOUND);
  EXPECT_FALSE(send(chat, 1, "too late", 3).error().temporary());
  here->join(2);
  here->sync(3);
  EXPECT_EQ(end_told(*here), v1::TTL);
  away->frames.clear();
  away->join(1);
  away->sync(2);
  EXPECT_EQ(end_told(*away), v1::TTL);
  EXPECT_TRUE(away->texts().empty()) << "what was said before is gone";
  EXPECT_TRUE(history_texts(chat, 2).empty());
  EXPECT_EQ(authored(1), 0u);
}

TEST_P(Retention, ATemporaryChatTakesNothingAfterItsTimeEvenBeforeAnybodyLooked) {
  const ChatId chat = make(v1::GROUP, {1, 2}, 0, kMinute);
  send(chat, 1, "in time", 1);
  run(kMinute - 4'000);
  EXPECT_EQ(history_texts(chat, 2).size(), 1u);
  run(1'500);
  EXPECT_TRUE(history_texts(chat, 2).empty());
  EXPECT_EQ(send(chat, 1, "too late", 2).error().code(), v1::NOT_FOUND);
}

TEST_P(Retention, ARoomThatEndsTellsAllItsMembersInTheirInboxes) {
  make(v1::ROOM, {1, 2, 3}, 0, 10 * kMinute);
  auto reader = device(3);
  reader->join_live();
  reader->leave();
  run(11 * kMinute);
  reader->join(1);
  reader->sync(2);
  EXPECT_EQ(end_told(*reader), v1::TTL);
}

TEST_P(Retention, OfAChatThatIsOverOnlyAGravestoneStays) {
  const ChatId chat = make(v1::GROUP, {1, 2}, 0, 10 * kMinute);
  send(chat, 1, "gone", 1);
  run(12 * kMinute);
  EXPECT_EQ(row(chat).oldest_seq, row(chat).last_seq) << "the last event is kept for a while";
  EXPECT_EQ(stored_members(chat), 2u);
  run(130 * kMinute);
  EXPECT_TRUE(row(chat).ended);
  EXPECT_EQ(row(chat).oldest_seq, row(chat).last_seq + 1);
  EXPECT_EQ(stored_members(chat), 0u);
  EXPECT_FALSE(is_due_again(chat));
  v1::Request list;
  list.set_user_id(2);
  list.mutable_list_chats();
  EXPECT_EQ(ask(list).chat_list().chats_size(), 0);
  EXPECT_EQ(send(chat, 1, "too late", 2).error().code(), v1::NOT_FOUND);
}

TEST_P(Retention, ATemporaryDirectChatIsRefused) {
  v1::Request request;
  request.set_user_id(1);
  request.mutable_create_chat()->set_kind(v1::DIRECT);
  request.mutable_create_chat()->add_member_ids(2);
  request.mutable_create_chat()->set_ttl_ms(kMinute);
  EXPECT_EQ(ask(request).error().code(), v1::INVALID_ARGUMENT);
}

// ---------------------------------------------------------------- chats without members

TEST_P(Retention, AChatThatTheLastOneLeftGoesAfterTheGrace) {
  const ChatId chat = make(v1::GROUP, {1, 2}, 0);
  send(chat, 1, "gone", 1);
  change(chat, {}, {1, 2});
  run(55 * kMinute);
  EXPECT_FALSE(row(chat).ended);
  EXPECT_EQ(authored(1), 2u);
  run(10 * kMinute);
  EXPECT_TRUE(row(chat).ended);
  EXPECT_EQ(row(chat).oldest_seq, row(chat).last_seq + 1) << "nobody is left to hear of it";
  EXPECT_EQ(stored_members(chat), 0u);
  EXPECT_EQ(authored(1), 0u);
  EXPECT_EQ(change(chat, {1}, {}).error().code(), v1::NOT_FOUND);
}

TEST_P(Retention, AJoinWithinTheGraceKeepsTheChatAndItsStorage) {
  const ChatId chat = make(v1::GROUP, {1, 2}, 0);
  send(chat, 1, "kept", 1);
  change(chat, {}, {1, 2});
  run(50 * kMinute);
  change(chat, {3}, {});
  run(120 * kMinute);
  EXPECT_FALSE(row(chat).ended);
  EXPECT_EQ(history_texts(chat, 3), (std::vector<std::string>{"kept"}));
  change(chat, {}, {3});
  run(50 * kMinute);
  EXPECT_FALSE(row(chat).ended) << "the grace begins anew";
}

INSTANTIATE_TEST_SUITE_P(Engines, Retention, testing::Values(1, 3));

}  // namespace
}  // namespace chat::sim
