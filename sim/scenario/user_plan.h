// RunPlan and UserPlan: what every user does and when, decided before anything is sent.
// A user's actions are drawn from its own fork of the seed, and nothing that a server says consumes
// a draw: the same scenario and seed give the same actions in every driver. Times count from the
// start of the run phase. A plan holds a few dozen bytes per user and makes one action at a time.
// Thread rule: RunPlan is read by any, a UserPlan belongs to one thread.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "core/base/random.h"
#include "core/base/time.h"
#include "sim/scenario/population.h"
#include "sim/scenario/scenario.h"
#include "sim/scenario/zipf.h"

namespace chat::sim {

enum class ActionKind : uint8_t {
  send,
  read,
  drop,
  presence,
  history,
  edit,
  deletion,
  reaction,
  leave,
};

struct Action {
  Duration at;  ///< When it is due, after the run phase began.
  ActionKind kind = ActionKind::send;
  uint32_t n = 0;      ///< Counts the user's actions of all kinds, from 1.
  uint32_t chat = 0;   ///< Not of drop, edit, deletion: an index of the population.
  uint32_t size = 0;   ///< send, edit: bytes of text; presence: users; history: events.
  uint32_t pick = 0;   ///< edit, deletion, reaction: which one of the messages that may be meant.
  Duration away = {};  ///< drop, leave: back after this.
  bool clean = false;  ///< drop: with a close frame.
};

/// What all user plans share.
class RunPlan {
 public:
  /// `scenario` must outlive the plan.
  explicit RunPlan(const Scenario& scenario);

  const Scenario& scenario() const { return scenario_; }
  const Population& population() const { return population_; }
  /// Planned messages of all users in the whole run, on average.
  double expected_sends() const;

 private:
  friend class UserPlan;

  /// When the mean user has been due `mass` messages; kNever if not within the run.
  Instant time_of(double mass) const;
  uint32_t draw_chat(uint32_t user, Random& random) const;
  uint32_t draw_group(uint32_t user, Random& random) const;
  uint32_t draw_text_bytes(Random& random) const;

  const Scenario& scenario_;
  Random random_;
  Population population_;
  Zipf favourites_;
  Zipf text_bytes_;
  std::vector<double> step_mass_{
      0};  ///< Messages of the mean user before each step of equal length.
  Duration step_length_;
};

class UserPlan {
 public:
  /// The plan of the user's device number `device`, from 0. Only the first one does all that the
  /// user does; the others read and drop.
  UserPlan(const RunPlan& run, uint32_t user, uint32_t device = 0);

  /// The user's next action, in time order; nullopt when the run is over.
  std::optional<Action> next(const RunPlan& run);

 private:
  static constexpr int kTimers = 8;

  void draw_send(const RunPlan& run);
  void draw_timer(const RunPlan& run, ActionKind kind, Instant from);
  Action make_action(const RunPlan& run, ActionKind kind, Instant at);

  Random random_;
  double sent_mass_ = 0;  ///< In messages of the mean user.
  Instant next_send_ = kNever;
  std::array<Instant, kTimers> next_timer_;  ///< By ActionKind, read … leave.
  Instant away_until_;
  uint32_t user_;
  uint32_t n_ = 0;
};

}  // namespace chat::sim
