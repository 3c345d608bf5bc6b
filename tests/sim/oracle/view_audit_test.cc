#include "sim/oracle/view_audit.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/wire/chat.pb.h"

namespace chat::sim {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

const ChatId kDirect = ChatId::direct(UserId{1}, UserId{2});
const ChatId kGroup = ChatId::named("group");

v1::Event event_at(uint64_t seq) {
  v1::Event event;
  event.set_seq(seq);
  event.mutable_actor()->set_user_id(1);
  return event;
}

v1::Event message(uint64_t seq, const std::string& text) {
  v1::Event event = event_at(seq);
  event.mutable_message()->set_text(text);
  return event;
}

v1::Event edit(uint64_t seq, uint64_t target, const std::string& text) {
  v1::Event event = event_at(seq);
  event.mutable_edited()->set_target_seq(target);
  event.mutable_edited()->set_text(text);
  return event;
}

v1::Event deletion(uint64_t seq, uint64_t target) {
  v1::Event event = event_at(seq);
  event.mutable_deleted()->set_target_seq(target);
  return event;
}

v1::Event tombstone(uint64_t seq, uint64_t by) {
  v1::Event event = event_at(seq);
  event.mutable_tombstone()->set_deleted_by_seq(by);
  return event;
}

v1::Event reaction(uint64_t seq, uint64_t target, bool removed) {
  v1::Event event = event_at(seq);
  event.mutable_reaction()->set_target_seq(target);
  event.mutable_reaction()->set_reaction("+1");
  event.mutable_reaction()->set_removed(removed);
  return event;
}

class ViewAuditTest : public ::testing::Test {
 protected:
  void log(const ChatId& chat, const std::vector<v1::Event>& events) {
    for (const v1::Event& event : events) audit_.truth(chat, event);
  }

  std::vector<std::string> judge(const ChatId& chat, const std::vector<v1::Event>& seen) {
    MessageView view;
    for (const v1::Event& event : seen) view.see(event);
    std::vector<std::string> violations;
    audit_.judge_view(UserId{2}, "phone", chat, view, violations);
    return violations;
  }

  ViewAudit audit_;
};

TEST_F(ViewAuditTest, AcceptsWhatTheLogSaysInWhateverOrderItCame) {
  log(kDirect, {message(1, "a"), edit(2, 1, "b"), tombstone(3, 4), deletion(4, 3),
                reaction(5, 1, false), reaction(6, 1, true)});
  EXPECT_THAT(judge(kDirect, {reaction(6, 1, true), reaction(5, 1, false), deletion(4, 3),
                              message(3, "gone"), edit(2, 1, "b"), message(1, "a")}),
              IsEmpty());
  EXPECT_THAT(judge(kDirect, {edit(2, 1, "b"), tombstone(3, 4)}), IsEmpty());
  std::vector<std::string> violations;
  audit_.judge_logs(violations);
  EXPECT_THAT(violations, IsEmpty());
}

TEST_F(ViewAuditTest, FindsOldTextsDeletedMessagesAndReactionsThatWereTakenBack) {
  log(kDirect, {message(1, "a"), edit(2, 1, "b"), tombstone(3, 4), deletion(4, 3),
                reaction(5, 1, false), reaction(6, 1, true)});
  EXPECT_THAT(judge(kDirect, {message(1, "a")}), ElementsAre(HasSubstr("seq 1 with an old text")));
  EXPECT_THAT(judge(kDirect, {message(3, "gone")}), ElementsAre(HasSubstr("that was deleted")));
  EXPECT_THAT(judge(kDirect, {reaction(5, 1, false)}), ElementsAre(HasSubstr("of a reaction")));
  EXPECT_THAT(judge(kDirect, {tombstone(1, 4)}), ElementsAre(HasSubstr("as deleted")));
}

TEST_F(ViewAuditTest, HoldsNothingAgainstADeviceThatHappenedAfterItsUserLeft) {
  v1::Event joined = event_at(1), left = event_at(3);
  joined.mutable_member()->add_joined(2);
  left.mutable_member()->add_left(2);
  log(kGroup, {joined, message(2, "a"), left, edit(4, 2, "b")});
  EXPECT_THAT(judge(kGroup, {joined, message(2, "a"), left}), IsEmpty());
}

TEST_F(ViewAuditTest, FindsTextsThatADeletionLeftInTheLog) {
  log(kDirect, {message(1, "a"), deletion(2, 1), tombstone(3, 9)});
  std::vector<std::string> violations;
  audit_.judge_logs(violations);
  EXPECT_THAT(violations, ElementsAre(HasSubstr("has kept its text"),
                                      HasSubstr("a tombstone without a deletion")));
}

}  // namespace
}  // namespace chat::sim
