#include "sim/scenario/user_plan.h"

#include <algorithm>

namespace chat::sim {
namespace {

uint32_t most_chats_of_one_kind(const Population& population) {
  size_t most = 1;
  for (uint32_t user = 0; user < population.user_count(); ++user) {
    for (const ChatKind kind : {ChatKind::direct, ChatKind::group, ChatKind::room}) {
      most = std::max(most, population.chats_of(user, kind).size());
    }
  }
  return static_cast<uint32_t>(most);
}

Duration gap_of(double per_s) {
  return per_s > 0 ? Duration{static_cast<int64_t>(1e9 / per_s)} : Duration{};
}

Duration mean_gap(const Scenario& scenario, ActionKind kind, bool mobile) {
  switch (kind) {
    case ActionKind::read:
      return scenario.reads.every;
    case ActionKind::drop:
      return mobile ? scenario.drops.every : Duration{};
    case ActionKind::presence:
      return scenario.presence.every;
    case ActionKind::history:
      return scenario.history.every;
    case ActionKind::edit:
      return gap_of(scenario.changes.edits_per_s);
    case ActionKind::deletion:
      return gap_of(scenario.changes.deletions_per_s);
    case ActionKind::reaction:
      return gap_of(scenario.changes.reactions_per_s);
    case ActionKind::leave:
      return gap_of(scenario.leaves.per_user_per_s);
    case ActionKind::send:
      break;
  }
  return {};
}

}  // namespace

RunPlan::RunPlan(const Scenario& scenario)
    : scenario_(scenario),
      random_(Random(scenario.seed).fork("plan")),
      population_(scenario, random_.fork("population")),
      favourites_(most_chats_of_one_kind(population_), scenario.activity.chats_skew),
      text_bytes_(scenario.sends.text_bytes.max - scenario.sends.text_bytes.min + 1,
                  scenario.sends.text_bytes.skew) {
  if (scenario.ladder.rates_per_s.empty()) {
    step_length_ = scenario.duration;
    step_mass_.push_back(scenario.sends.per_user_per_s * scenario.duration.seconds());
    return;
  }
  step_length_ = scenario.ladder.hold;
  for (const double rate : scenario.ladder.rates_per_s) {
    step_mass_.push_back(step_mass_.back() + rate * step_length_.seconds() / scenario.users);
  }
}

double RunPlan::expected_sends() const {
  double weights = 0;
  for (uint32_t user = 0; user < population_.user_count(); ++user) {
    weights += population_.traits(user).weight;
  }
  return weights * step_mass_.back();
}

Instant RunPlan::time_of(double mass) const {
  if (mass >= step_mass_.back()) return kNever;
  const auto above = std::upper_bound(step_mass_.begin(), step_mass_.end(), mass);
  const auto step = above - step_mass_.begin() - 1;
  const double share = (mass - *(above - 1)) / (*above - *(above - 1));
  const auto within = static_cast<int64_t>(share * static_cast<double>(step_length_.ns));
  return {step * step_length_.ns + within};
}

uint32_t RunPlan::draw_chat(uint32_t user, Random& random) const {
  const std::pair<ChatKind, double> kinds[] = {{ChatKind::direct, scenario_.sends.direct_share},
                                               {ChatKind::group, scenario_.sends.group_share},
                                               {ChatKind::room, scenario_.sends.room_share}};
  double total = 0;
  for (const auto& [kind, share] : kinds) {
    if (!population_.chats_of(user, kind).empty()) total += share;
  }
  double mark = random.unit() * total;
  std::span<const uint32_t> chats;
  for (const auto& [kind, share] : kinds) {
    const auto of_kind = population_.chats_of(user, kind);
    if (of_kind.empty() || share <= 0) continue;
    chats = of_kind;
    mark -= share;
    if (mark < 0) break;
  }
  return chats[favourites_.draw_first(static_cast<uint32_t>(chats.size()), random)];
}

uint32_t RunPlan::draw_group(uint32_t user, Random& random) const {
  const auto groups = population_.chats_of(user, ChatKind::group);
  return groups[favourites_.draw_first(static_cast<uint32_t>(groups.size()), random)];
}

uint32_t RunPlan::draw_text_bytes(Random& random) const {
  return scenario_.sends.text_bytes.min + text_bytes_.draw(random);
}

UserPlan::UserPlan(const RunPlan& run, uint32_t user, uint32_t device)
    : random_(device == 0 ? run.random_.fork("user", user)
                          : run.random_.fork("device", uint64_t{device} << 32 | user)),
      user_(user) {
  next_timer_.fill(kNever);
  // A user without a chat to send to does nothing but hold its connection, and drop it if it is
  // mobile.
  const bool active = run.population_.traits(user).weight > 0;
  if (active && device == 0) draw_send(run);
  for (const ActionKind kind :
       {ActionKind::read, ActionKind::drop, ActionKind::presence, ActionKind::history,
        ActionKind::edit, ActionKind::deletion, ActionKind::reaction, ActionKind::leave}) {
    const bool other_device = kind == ActionKind::drop || (active && kind == ActionKind::read);
    if (device == 0 ? active || kind == ActionKind::drop : other_device) draw_timer(run, kind, {});
  }
}

void UserPlan::draw_send(const RunPlan& run) {
  sent_mass_ +=
      random_.exponential(1.0) / static_cast<double>(run.population_.traits(user_).weight);
  next_send_ = run.time_of(sent_mass_);
}

void UserPlan::draw_timer(const RunPlan& run, ActionKind kind, Instant from) {
  Instant& timer = next_timer_[static_cast<size_t>(kind) - 1];
  timer = kNever;
  const Duration mean = mean_gap(run.scenario_, kind, run.population_.traits(user_).mobile);
  if (mean.ns <= 0) return;
  if (kind == ActionKind::leave && run.population_.chats_of(user_, ChatKind::group).empty()) return;
  timer = from + Duration{static_cast<int64_t>(random_.exponential(static_cast<double>(mean.ns)))};
}

std::optional<Action> UserPlan::next(const RunPlan& run) {
  const Instant end = Instant{} + run.scenario_.run_length();
  for (;;) {
    auto kind = ActionKind::send;
    Instant at = next_send_;
    for (size_t i = 0; i < next_timer_.size(); ++i) {
      if (next_timer_[i] >= at) continue;
      at = next_timer_[i];
      kind = static_cast<ActionKind>(i + 1);
    }
    if (at >= end) return std::nullopt;
    const Action action = make_action(run, kind, at);
    if (kind == ActionKind::send) draw_send(run);
    // Nobody types into a phone without a link, so what falls into a drop is not done.
    if (at < away_until_) {
      if (kind != ActionKind::send) draw_timer(run, kind, at);
      continue;
    }
    if (kind == ActionKind::drop) away_until_ = at + action.away;
    if (kind != ActionKind::send) draw_timer(run, kind, std::max(at, away_until_));
    Action numbered = action;
    numbered.n = ++n_;
    return numbered;
  }
}

Action UserPlan::make_action(const RunPlan& run, ActionKind kind, Instant at) {
  Action action{.at = at - Instant{}, .kind = kind};
  const Scenario& scenario = run.scenario_;
  if (kind == ActionKind::drop) {
    action.away = {random_.between(scenario.drops.away_min.ns, scenario.drops.away_max.ns)};
    action.clean = random_.unit() < scenario.drops.clean_share;
    return action;
  }
  if (kind == ActionKind::leave) {
    action.chat = run.draw_group(user_, random_);
    action.away = {random_.between(scenario.leaves.away_min.ns, scenario.leaves.away_max.ns)};
    return action;
  }
  const bool own = kind == ActionKind::edit || kind == ActionKind::deletion;
  if (own || kind == ActionKind::reaction) action.pick = static_cast<uint32_t>(random_.next());
  if (!own) action.chat = run.draw_chat(user_, random_);
  const bool written = kind == ActionKind::send || kind == ActionKind::edit;
  if (written) action.size = run.draw_text_bytes(random_);
  if (kind == ActionKind::presence) action.size = scenario.presence.users;
  if (kind == ActionKind::history) action.size = scenario.history.limit;
  return action;
}

}  // namespace chat::sim
