#include "core/home/chat_permissions.h"

#include <algorithm>
#include <iterator>

#include "core/base/assert.h"

namespace chat {
namespace {

struct Rule {
  ChatAction action;
  Standing least;     ///< What the actor has to be at least.
  bool above_target;  ///< And above the user whom it is about.
  bool rooms_only = false;
};

constexpr Rule kRules[] = {
    {ChatAction::write, Standing::member, false},
    {ChatAction::delete_message, Standing::admin, false},
    {ChatAction::join, Standing::stranger, false, true},
    {ChatAction::leave, Standing::member, false},
    {ChatAction::add, Standing::admin, false},
    {ChatAction::remove, Standing::admin, true},
    {ChatAction::ban, Standing::admin, true},
    {ChatAction::unban, Standing::admin, false},
    {ChatAction::set_role, Standing::owner, true},
    {ChatAction::update, Standing::admin, false},
    {ChatAction::end, Standing::owner, false},
};

}  // namespace

bool is_permitted(ChatAction action, const Permission& permission) {
  if (permission.actor == Standing::operator_) return true;
  const auto rule = std::find_if(std::begin(kRules), std::end(kRules),
                                 [&](const Rule& each) { return each.action == action; });
  CHAT_ASSERT(rule != std::end(kRules));
  return permission.actor >= rule->least &&
         (!rule->above_target || permission.actor > permission.target) &&
         (!rule->rooms_only || permission.kind == ChatKind::room);
}

Standing standing_of(Role role) {
  switch (role) {
    case Role::none:
      return Standing::stranger;
    case Role::member:
      return Standing::member;
    case Role::admin:
      return Standing::admin;
    case Role::owner:
      return Standing::owner;
  }
  return Standing::stranger;
}

}  // namespace chat
