// MemberChange: what a change of members or roles does, checked against who asks for it.
// The steps are what differs between before and afterwards, so naming a user twice or asking for
// what is so already does no harm. Never changes the chat. Thread rule: pure functions.
#pragma once

#include <variant>
#include <vector>

#include "core/home/chat_permissions.h"
#include "core/home/chat_table.h"

namespace chat {

namespace v1 {
class ChangeMembers;
class Error;
}  // namespace v1

struct MemberStep {
  enum class Kind : uint8_t { unban, join, leave, ban, set_role };
  Kind kind;
  UserId user;
  Role role = Role::member;  ///< join, set_role.
};
using MemberSteps = std::vector<MemberStep>;

/// The steps by kind and user; or why the user may not do this. `members_max` of the chat's kind.
std::variant<MemberSteps, v1::Error> plan_member_change(const Chat& chat, UserId actor,
                                                        const v1::ChangeMembers& change,
                                                        size_t members_max);

/// How a user stands to a chat; no user is the operator.
Standing standing_in(const Chat& chat, UserId user);

}  // namespace chat
