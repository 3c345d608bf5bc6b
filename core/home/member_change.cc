#include "core/home/member_change.h"

#include <algorithm>
#include <map>
#include <optional>
#include <string>

#include "core/home/replies.h"

namespace chat {
namespace {

/// What a user is in the chat; role none = no member.
struct Place {
  Role role = Role::none;
  bool banned = false;
};

Place place_of(const Chat& chat, UserId user) {
  const MemberRow* row = chat.member(user);
  if (!row) return {};
  return {row->left_seq == kStillMember ? row->role : Role::none, row->banned};
}

/// The places that a change names, as they become one entry after the other.
class Planner {
 public:
  Planner(const Chat& chat, UserId actor)
      : chat_(chat), actor_(actor), standing_(standing_in(chat, actor)) {}

  void unban(UserId user) {
    if (permitted(ChatAction::unban, user)) after(user).banned = false;
  }
  void add(UserId user) {
    if (!permitted(user == actor_ ? ChatAction::join : ChatAction::add, user)) return;
    if (after(user).role != Role::none) return;
    if (after(user).banned) {
      refuse("user " + std::to_string(user.value) + " is banned from this chat");
      return;
    }
    after(user).role = Role::member;
  }
  void remove(UserId user) {
    if (permitted(user == actor_ ? ChatAction::leave : ChatAction::remove, user)) {
      after(user).role = Role::none;
    }
  }
  void ban(UserId user) {
    if (permitted(ChatAction::ban, user)) after(user) = {Role::none, true};
  }
  void set_role(UserId user, Role role) {
    const bool steps_down = user == actor_ && standing_of(role) < standing_;
    if (!steps_down && !permitted(ChatAction::set_role, user)) return;
    if (after(user).role == Role::none) {
      refuse("user " + std::to_string(user.value) + " is no member of this chat");
      return;
    }
    after(user).role = role;
  }

  std::optional<v1::Error> refused() const { return refused_; }
  /// By kind, so that who is unbanned can join; by user within.
  MemberSteps steps() const {
    MemberSteps steps;
    for (const auto& [user, now] : after_) {
      const Place before = place_of(chat_, user);
      const bool was = before.role != Role::none, is = now.role != Role::none;
      if (before.banned && !now.banned) steps.push_back({MemberStep::Kind::unban, user});
      if (!was && is) steps.push_back({MemberStep::Kind::join, user});
      if (was && !is && !now.banned) steps.push_back({MemberStep::Kind::leave, user});
      if (!before.banned && now.banned) steps.push_back({MemberStep::Kind::ban, user});
      if (is && now.role != (was ? before.role : Role::member)) {
        steps.push_back({MemberStep::Kind::set_role, user, now.role});
      }
    }
    std::stable_sort(steps.begin(), steps.end(),
                     [](const auto& a, const auto& b) { return a.kind < b.kind; });
    return steps;
  }

 private:
  Place& after(UserId user) {
    return after_.try_emplace(user, place_of(chat_, user)).first->second;
  }
  void refuse(std::string text) {
    if (!refused_) refused_ = wire_error(v1::PERMISSION_DENIED, std::move(text));
  }
  bool permitted(ChatAction action, UserId user) {
    const bool yes =
        is_permitted(action, {chat_.row.kind, standing_, standing_of(place_of(chat_, user).role)});
    if (!yes) refuse("your role in this chat does not allow this change of its members");
    return yes;
  }

  const Chat& chat_;
  const UserId actor_;
  const Standing standing_;
  std::map<UserId, Place> after_;
  std::optional<v1::Error> refused_;
};

}  // namespace

Standing standing_in(const Chat& chat, UserId user) {
  return user ? standing_of(place_of(chat, user).role) : Standing::operator_;
}

std::variant<MemberSteps, v1::Error> plan_member_change(const Chat& chat, UserId actor,
                                                        const v1::ChangeMembers& change,
                                                        size_t members_max) {
  Planner planner(chat, actor);
  for (uint64_t id : change.unban()) planner.unban(UserId{id});
  for (uint64_t id : change.add()) planner.add(UserId{id});
  for (uint64_t id : change.remove()) planner.remove(UserId{id});
  for (uint64_t id : change.ban()) planner.ban(UserId{id});
  for (const v1::RoleChange& role : change.set_roles()) {
    planner.set_role(UserId{role.user_id()}, static_cast<Role>(role.role()));
  }
  if (const auto refused = planner.refused()) return *refused;
  MemberSteps steps = planner.steps();
  size_t count = chat.row.member_count;
  bool grows = false;
  for (const MemberStep& step : steps) {
    if (step.kind == MemberStep::Kind::join) {
      ++count;
      grows = true;
    } else if (step.kind == MemberStep::Kind::leave ||
               (step.kind == MemberStep::Kind::ban && chat.is_active(step.user))) {
      --count;
    }
  }
  if (grows && count > members_max) {
    return wire_error(v1::LIMIT_REACHED,
                      "this chat has at most " + std::to_string(members_max) + " members");
  }
  return steps;
}

}  // namespace chat
