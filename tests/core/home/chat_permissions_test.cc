#include "core/home/chat_permissions.h"

#include <gtest/gtest.h>

namespace chat {
namespace {

using enum Standing;

/// Every action against the least actor that may do it, to users of every standing.
struct Row {
  ChatAction action;
  ChatKind kind;
  Standing target;
  Standing least;
};

constexpr Row kRows[] = {
    {ChatAction::write, ChatKind::group, stranger, member},
    {ChatAction::delete_message, ChatKind::group, stranger, admin},
    {ChatAction::join, ChatKind::room, stranger, stranger},
    {ChatAction::join, ChatKind::group, stranger, operator_},
    {ChatAction::leave, ChatKind::group, owner, member},
    {ChatAction::add, ChatKind::group, stranger, admin},
    {ChatAction::remove, ChatKind::group, member, admin},
    {ChatAction::remove, ChatKind::group, admin, owner},
    {ChatAction::remove, ChatKind::group, owner, operator_},
    {ChatAction::ban, ChatKind::room, stranger, admin},
    {ChatAction::ban, ChatKind::group, member, admin},
    {ChatAction::ban, ChatKind::group, admin, owner},
    {ChatAction::ban, ChatKind::group, owner, operator_},
    {ChatAction::unban, ChatKind::group, stranger, admin},
    {ChatAction::set_role, ChatKind::group, member, owner},
    {ChatAction::set_role, ChatKind::group, admin, owner},
    {ChatAction::set_role, ChatKind::group, owner, operator_},
    {ChatAction::update, ChatKind::group, stranger, admin},
    {ChatAction::end, ChatKind::room, stranger, owner},
};

TEST(ChatPermissions, FollowTheTable) {
  for (const Row& row : kRows) {
    for (Standing actor : {stranger, member, admin, owner, operator_}) {
      EXPECT_EQ(is_permitted(row.action, {row.kind, actor, row.target}), actor >= row.least)
          << "action " << static_cast<int>(row.action) << " by " << static_cast<int>(actor)
          << " on " << static_cast<int>(row.target);
    }
  }
}

TEST(ChatPermissions, StandingFollowsTheRole) {
  EXPECT_EQ(standing_of(Role::none), stranger);
  EXPECT_EQ(standing_of(Role::member), member);
  EXPECT_EQ(standing_of(Role::admin), admin);
  EXPECT_EQ(standing_of(Role::owner), owner);
}

}  // namespace
}  // namespace chat
