#include "tests/engine/talk.h"

namespace chat::sim {
namespace {

using testing::Values;
using F = v1::ServerFrame;

class MessageChanges : public Talk {
 protected:
  void SetUp() override {
    ada_->join_live();
    bob_->join_live();
    ada_->say(chat_, "hello", 1);
  }
  const v1::SendAck& ack_of(const Device& device) const {
    return device.last(F::kSendAck)->send_ack();
  }

  const ChatId chat_ = ChatId::direct(UserId{1}, UserId{2});
  std::unique_ptr<Device> ada_ = device(1), bob_ = device(2, "laptop", Encoding::json);
};
INSTANTIATE_TEST_SUITE_P(Engines, MessageChanges, Values(1, 2, 3));

TEST_P(MessageChanges, AnEditReachesEverybodyAsAnEventOfItsOwn) {
  ada_->edit(chat_, 1, "hello, Bob", 2);
  EXPECT_EQ(ack_of(*ada_).status(), v1::STORED);
  EXPECT_EQ(ack_of(*ada_).seq(), 2u);
  EXPECT_EQ(ack_of(*ada_).client_msg_id(), Device::key_bytes(2));
  for (const Device* device : {ada_.get(), bob_.get()}) {
    const v1::Event& event = device->last(F::kEvent)->event();
    EXPECT_EQ(event.seq(), 2u);
    EXPECT_EQ(event.edited().target_seq(), 1u);
    EXPECT_EQ(event.edited().text(), "hello, Bob");
    EXPECT_EQ(event.actor().user_id(), 1u);
  }
}

TEST_P(MessageChanges, ARepeatedEditIsADuplicateAndAnotherOneWithItsKeyIsRefused) {
  ada_->edit(chat_, 1, "better", 2);
  ada_->edit(chat_, 1, "better", 2);
  EXPECT_EQ(ack_of(*ada_).status(), v1::DUPLICATE);
  EXPECT_EQ(ack_of(*ada_).seq(), 2u);
  ada_->edit(chat_, 1, "worse", 2);
  EXPECT_EQ(ada_->error(), v1::IDEMPOTENCY_MISMATCH);
  EXPECT_EQ(ada_->last(F::kError)->error().client_msg_id(), Device::key_bytes(2));
  ada_->say(chat_, "hello", 2);
  EXPECT_EQ(ada_->count(F::kError), 2u) << "the key of an edit is no key of a send";
  EXPECT_EQ(log_of(1, chat_).size(), 2u);
}

TEST_P(MessageChanges, OnlyTheAuthorEditsAndDeletes) {
  bob_->edit(chat_, 1, "mine now", 1);
  EXPECT_EQ(bob_->error(), v1::PERMISSION_DENIED);
  EXPECT_FALSE(bob_->last(F::kError)->error().temporary());
  bob_->frames.clear();
  bob_->remove(chat_, 1, 2);
  EXPECT_EQ(bob_->error(), v1::PERMISSION_DENIED);
  auto eve = device(9);
  eve->join_live();
  eve->remove(chat_, 1, 3);
  EXPECT_EQ(eve->error(), v1::PERMISSION_DENIED);
  eve->frames.clear();
  eve->react(chat_, 1, "+1", 4);
  EXPECT_EQ(eve->error(), v1::PERMISSION_DENIED);
  EXPECT_EQ(log_of(1, chat_).size(), 1u);
}

TEST_P(MessageChanges, ADeletedMessageAndItsEditsAreGoneAlsoForDevicesThatWereAway) {
  auto tablet = device(2, "tablet");
  tablet->join_live();
  const uint64_t seen = tablet->last(F::kSyncPage)->sync_page().next() - 1;
  tablet->drop();
  ada_->edit(chat_, 1, "secret one", 2);
  ada_->edit(chat_, 1, "secret two", 3);
  ada_->say(chat_, "kept", 4);
  ada_->remove(chat_, 1, 5);
  EXPECT_EQ(ack_of(*ada_).seq(), 5u);
  EXPECT_EQ(bob_->last(F::kEvent)->event().deleted().target_seq(), 1u);

  tablet->frames.clear();
  tablet->join(seen);
  tablet->sync(seen + 1);
  const v1::SyncPage& page = tablet->last(F::kSyncPage)->sync_page();
  ASSERT_EQ(page.entries_size(), 4);
  for (int i : {0, 1}) {
    const v1::Event& buried = page.entries(i).event();
    EXPECT_EQ(buried.seq(), static_cast<uint64_t>(i) + 2);
    EXPECT_EQ(buried.tombstone().deleted_by_seq(), 5u);
    EXPECT_EQ(buried.actor().user_id(), 1u);
    EXPECT_GT(buried.server_ts_ms(), 0);
  }
  EXPECT_EQ(page.entries(2).event().message().text(), "kept");
  EXPECT_EQ(page.entries(3).event().deleted().target_seq(), 1u);

  const auto log = log_of(2, chat_);
  ASSERT_EQ(log.size(), 5u);
  EXPECT_EQ(log[0].tombstone().deleted_by_seq(), 5u);
  for (const v1::Event& event : log) {
    const std::string text = event.SerializeAsString();
    EXPECT_EQ(text.find("hello"), std::string::npos);
    EXPECT_EQ(text.find("secret"), std::string::npos);
  }
}

TEST_P(MessageChanges, ADeletedMessageIsNeitherEditedNorReactedToNorDeletedAgain) {
  ada_->remove(chat_, 1, 2);
  ada_->edit(chat_, 1, "back again", 3);
  EXPECT_EQ(ada_->error(), v1::NOT_FOUND);
  EXPECT_FALSE(ada_->last(F::kError)->error().temporary());
  bob_->react(chat_, 1, "+1", 4);
  EXPECT_EQ(bob_->error(), v1::NOT_FOUND);
  ada_->frames.clear();
  ada_->remove(chat_, 1, 5);
  EXPECT_EQ(ada_->error(), v1::NOT_FOUND);
  ada_->remove(chat_, 1, 2);
  EXPECT_EQ(ack_of(*ada_).status(), v1::DUPLICATE) << "the deletion itself, repeated";
  EXPECT_EQ(log_of(1, chat_).size(), 2u);
}

TEST_P(MessageChanges, AnEditThatWasStoredIsADuplicateAlsoAfterTheDeletion) {
  ada_->edit(chat_, 1, "better", 2);
  ada_->remove(chat_, 1, 3);
  ada_->edit(chat_, 1, "better", 2);
  EXPECT_EQ(ack_of(*ada_).status(), v1::DUPLICATE);
  EXPECT_EQ(ack_of(*ada_).seq(), 2u);
}

TEST_P(MessageChanges, OnlyMessagesAreTargets) {
  ada_->edit(chat_, 1, "better", 2);
  for (uint64_t seq : {2u, 7u}) {
    ada_->frames.clear();
    ada_->react(chat_, seq, "+1", static_cast<uint32_t>(10 + seq));
    EXPECT_EQ(ada_->error(), v1::NOT_FOUND) << seq;
  }
  ada_->frames.clear();
  ada_->react(chat_, 0, "+1", 3);
  EXPECT_EQ(ada_->error(), v1::INVALID_ARGUMENT);
}

TEST_P(MessageChanges, AReactionIsAddedAndTakenBackByAnybodyInTheChat) {
  bob_->react(chat_, 1, "+1", 1);
  EXPECT_EQ(ack_of(*bob_).status(), v1::STORED);
  const v1::Reaction& given = ada_->last(F::kEvent)->event().reaction();
  EXPECT_EQ(given.target_seq(), 1u);
  EXPECT_EQ(given.reaction(), "+1");
  EXPECT_FALSE(given.removed());
  bob_->react(chat_, 1, "+1", 1);
  EXPECT_EQ(ack_of(*bob_).status(), v1::DUPLICATE);
  bob_->react(chat_, 1, "+1", 2, true);
  EXPECT_TRUE(ada_->last(F::kEvent)->event().reaction().removed());
  EXPECT_EQ(log_of(1, chat_).size(), 3u);
}

TEST_P(MessageChanges, WhatIsMalformedIsRefusedByName) {
  const auto refused = [&](const auto& ask) {
    ada_->frames.clear();
    ask();
    return ada_->error();
  };
  const std::string longest(16 * 1024, 'x');
  EXPECT_EQ(refused([&] { ada_->edit(chat_, 1, longest + "x", 2); }), v1::TOO_LARGE);
  EXPECT_EQ(refused([&] { ada_->edit(chat_, 1, "", 3); }), v1::INVALID_ARGUMENT);
  EXPECT_EQ(refused([&] { ada_->react(chat_, 1, "", 4); }), v1::INVALID_ARGUMENT);
  EXPECT_EQ(refused([&] { ada_->react(chat_, 1, std::string(65, 'x'), 5); }), v1::INVALID_ARGUMENT);
  EXPECT_EQ(refused([&] { ada_->edit(chat_, 1, longest, 6); }), v1::ERROR_CODE_UNSPECIFIED)
      << "exactly the limit";
}

TEST_P(MessageChanges, AMessageIsEditedAtMostAHundredTimesAndStillDeleted) {
  for (uint32_t i = 0; i < 100; ++i) ada_->edit(chat_, 1, "edit " + std::to_string(i), 1000 + i);
  EXPECT_FALSE(ada_->last(F::kError));
  ada_->edit(chat_, 1, "once more", 2);
  EXPECT_EQ(ada_->error(), v1::LIMIT_REACHED);
  ada_->remove(chat_, 1, 3);
  const auto log = log_of(1, chat_);
  ASSERT_EQ(log.size(), 102u);
  for (size_t i = 0; i < 101; ++i) EXPECT_TRUE(log[i].has_tombstone()) << i;
}

TEST_P(MessageChanges, OrderIsKeptBetweenSendsAndWhatWaitsForItsTarget) {
  std::vector<v1::ClientFrame> frames;
  v1::ClientFrame edit;
  edit.set_id(900);
  edit.mutable_edit()->set_chat_id(chat_.str());
  edit.mutable_edit()->set_target_seq(1);
  edit.mutable_edit()->set_client_op_id(Device::key_bytes(50));
  edit.mutable_edit()->set_text("edited");
  frames.push_back(ada_->message(chat_, "before", 51));
  frames.push_back(edit);
  frames.push_back(ada_->message(chat_, "after", 52));
  ada_->post_all(frames);
  run(1'000);
  const auto log = log_of(1, chat_);
  ASSERT_EQ(log.size(), 4u);
  EXPECT_EQ(log[1].message().text(), "before");
  EXPECT_EQ(log[2].edited().text(), "edited");
  EXPECT_EQ(log[3].message().text(), "after");
}

TEST_P(MessageChanges, ADeletionThatMeetsEditsUnderWayLeavesNoText) {
  std::vector<v1::ClientFrame> frames;
  for (uint32_t i = 0; i < 10; ++i) {
    v1::ClientFrame& edit = frames.emplace_back();
    edit.mutable_edit()->set_chat_id(chat_.str());
    edit.mutable_edit()->set_target_seq(1);
    edit.mutable_edit()->set_client_op_id(Device::key_bytes(100 + i));
    edit.mutable_edit()->set_text("secret");
  }
  v1::ClientFrame& deletion = frames.emplace_back();
  deletion.mutable_delete_message()->set_chat_id(chat_.str());
  deletion.mutable_delete_message()->set_target_seq(1);
  deletion.mutable_delete_message()->set_client_op_id(Device::key_bytes(99));
  ada_->post_all(frames);
  run(2'000);
  const auto log = log_of(1, chat_);
  ASSERT_EQ(log.size(), 12u);
  for (const v1::Event& event : log) {
    EXPECT_EQ(event.SerializeAsString().find("secret"), std::string::npos) << event.seq();
  }
}

TEST_P(MessageChanges, RepliesNameAMessageThatIsThereAndMentionsNameUsers) {
  uint32_t key = 200;
  const auto send = [&](const auto& change) {
    bob_->frames.clear();
    v1::ClientFrame frame = bob_->message(chat_, "to you", ++key);
    change(*frame.mutable_send());
    bob_->send(frame);
    return bob_->error();
  };
  EXPECT_EQ(send([](v1::Send& out) {
              out.set_reply_to_seq(1);
              out.add_mentions(1);
            }),
            v1::ERROR_CODE_UNSPECIFIED);
  const v1::Message& message = ada_->last(F::kEvent)->event().message();
  EXPECT_EQ(message.reply_to_seq(), 1u);
  ASSERT_EQ(message.mentions_size(), 1);
  EXPECT_EQ(message.mentions(0), 1u);
  EXPECT_EQ(send([](v1::Send& out) { out.set_reply_to_seq(3); }), v1::INVALID_ARGUMENT);
  EXPECT_EQ(send([](v1::Send& out) { out.add_mentions(0); }), v1::INVALID_ARGUMENT);
  EXPECT_EQ(send([](v1::Send& out) {
              for (uint64_t user = 1; user <= 51; ++user) out.add_mentions(user);
            }),
            v1::INVALID_ARGUMENT);
  EXPECT_EQ(send([](v1::Send& out) {
              for (uint64_t user = 1; user <= 50; ++user) out.add_mentions(user);
            }),
            v1::ERROR_CODE_UNSPECIFIED);
}

TEST_P(MessageChanges, AdminsDeleteWhatOthersWrote) {
  const ChatId group = make_chat(v1::GROUP, {1, 2, 3});
  bob_->say(group, "spam", 60);
  v1::ChangeMembers promote;
  v1::RoleChange& role = *promote.add_set_roles();
  role.set_user_id(3);
  role.set_role(v1::ADMIN);
  ASSERT_TRUE(change_members(1, group, promote).has_chat());
  auto carol = device(3);
  carol->join_live();
  carol->edit(group, 2, "no spam", 61);
  EXPECT_EQ(carol->error(), v1::PERMISSION_DENIED) << "words are not put into mouths";
  carol->remove(group, 2, 62);
  EXPECT_EQ(ack_of(*carol).status(), v1::STORED);
  EXPECT_TRUE(log_of(2, group)[1].has_tombstone());
}

TEST_P(MessageChanges, AUserListsWhatHeWroteWithoutWhatHeDeleted) {
  const ChatId group = make_chat(v1::GROUP, {1, 2});
  ada_->say(group, "one", 70);
  bob_->say(group, "two", 71);
  ada_->say(group, "three", 72);
  ada_->say(group, "four", 73);
  ada_->remove(group, 4, 74);
  ada_->react(group, 3, "+1", 75);
  run(1'000);
  std::vector<std::string> texts;
  v1::Request request;
  request.set_user_id(1);
  request.mutable_list_authored()->set_limit(2);
  for (bool more = true; more;) {
    const v1::Response response = ask(request);
    ASSERT_TRUE(response.has_authored()) << response.ShortDebugString();
    for (const auto& event : response.authored().events()) {
      EXPECT_EQ(event.actor().user_id(), 1u);
      texts.push_back(event.message().text());
    }
    request.mutable_list_authored()->set_after_chat_id(response.authored().next_after_chat_id());
    request.mutable_list_authored()->set_after_seq(response.authored().next_after_seq());
    more = !response.authored().next_after_chat_id().empty();
  }
  EXPECT_EQ(texts, (std::vector<std::string>{"hello", "one", "four"}));
}

}  // namespace
}  // namespace chat::sim
