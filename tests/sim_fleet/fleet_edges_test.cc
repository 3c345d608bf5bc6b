// The fleet's presence edges and heartbeats against a second, slow telling of the rules: one device
// at a time, without wheels, from the device's plan and from the heartbeats that were seen.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <tuple>
#include <vector>

#include "sim/fleet/fleet.h"
#include "tests/sim_fleet/fleet_scenario.h"

namespace chat::sim {
namespace {

using Kind = DayStep::Kind;

constexpr uint32_t kInterval = 300;
constexpr uint32_t kTimeout = 750;
constexpr uint32_t kGrace = 200;
constexpr uint32_t kNever = UINT32_MAX;

struct Edge {
  uint32_t user = 0;
  uint32_t tick = 0;
  bool online = false;
  auto operator<=>(const Edge&) const = default;
};

class Seen : public FleetObserver {
 public:
  void on_heartbeat(const DayDevice& device, uint32_t tick) override {
    heartbeats[{device.user, device.second}].push_back(tick);
  }
  void on_edge(uint32_t user, uint32_t tick, bool online) override {
    edges.push_back({user, tick, online});
  }

  std::map<std::pair<uint32_t, bool>, std::vector<uint32_t>> heartbeats;
  std::vector<Edge> edges;
};

struct Span {
  uint32_t begin = 0;
  uint32_t end = kNever;
};

/// One device and the engine that it talks to.
class SlowDevice {
 public:
  SlowDevice(std::vector<uint32_t> heartbeats) : heartbeats_(std::move(heartbeats)) {}

  void step(const DayStep& step) {
    run_to(step.tick);
    switch (step.kind) {
      case Kind::online:
        connect(step.tick);
        break;
      case Kind::send:
      case Kind::read:
        if (talks_) said(step.tick);
        break;
      case Kind::drop:
        talks_ = false;
        asleep_ = false;
        if (step.link == DayStep::Break::clean) end(step.tick);
        if (step.link == DayStep::Break::broken) lost_until_ = step.tick + kGrace;
        break;
      case Kind::sleep:
        talks_ = false;
        asleep_ = true;
        break;
      case Kind::back:
        if (asleep_ && has_session() && lost_until_ == kNever) {
          talks_ = true;
          wake(step.tick);
        } else {
          connect(step.tick);
        }
        asleep_ = false;
        break;
      case Kind::offline:
        if (talks_) end(step.tick);
        talks_ = false;
        asleep_ = false;
        break;
    }
  }
  /// What happens by itself before the device does something at `tick`.
  void run_to(uint32_t tick) {
    take_heartbeats(tick);
    if (has_session() && lost_until_ == kNever && last_ + kTimeout <= tick) {
      EXPECT_FALSE(talks_);
      lost_until_ = last_ + kTimeout + kGrace;
    }
    if (has_session() && lost_until_ <= tick) end(lost_until_);
  }
  const std::vector<Span>& spans() const { return spans_; }
  bool all_heartbeats_taken() const { return at_ == heartbeats_.size(); }

 private:
  bool has_session() const { return !spans_.empty() && spans_.back().end == kNever; }

  void connect(uint32_t tick) {
    if (!has_session()) spans_.push_back({.begin = tick});
    lost_until_ = kNever;
    talks_ = true;
    first_until_ = tick + kInterval;
    last_ = tick;
  }
  void end(uint32_t tick) {
    spans_.back().end = tick;
    lost_until_ = kNever;
  }
  void said(uint32_t tick) {
    last_ = tick;
    first_until_ = 0;
    due_ = tick + kInterval;
  }
  /// Heartbeats up to `tick` are due when they come; one at `tick` comes after a step.
  void take_heartbeats(uint32_t tick) {
    for (; at_ < heartbeats_.size() && heartbeats_[at_] < tick; ++at_) {
      const uint32_t beat = heartbeats_[at_];
      EXPECT_TRUE(talks_) << beat;
      if (first_until_ > 0) {
        EXPECT_GE(beat, last_);
        EXPECT_LT(beat, first_until_);
      } else {
        EXPECT_EQ(beat, due_);
      }
      said(beat);
    }
    // None is missing.
    if (talks_) {
      EXPECT_LE(tick, (first_until_ > 0 ? first_until_ - 1 : due_));
    }
  }
  /// The heartbeat that was due while it slept comes now. When it was the first one, only the
  /// fleet knows when it was due.
  void wake(uint32_t tick) {
    const bool now = at_ < heartbeats_.size() && heartbeats_[at_] == tick;
    if (first_until_ == 0) {
      EXPECT_EQ(now, due_ <= tick) << due_ << " " << tick;
    }
    if (first_until_ > 0 && !now) {
      EXPECT_GE(first_until_, tick);
    }
    if (!now) return;
    ++at_;
    said(tick);
  }

  std::vector<uint32_t> heartbeats_;
  size_t at_ = 0;
  std::vector<Span> spans_;
  bool talks_ = false;
  bool asleep_ = false;
  uint32_t last_ = 0;
  uint32_t first_until_ = 0;  ///< The first heartbeat of a connection comes before; 0 = it came.
  uint32_t due_ = 0;
  uint32_t lost_until_ = kNever;
};

/// When somebody with these sessions comes and goes.
std::vector<Edge> edges_of(uint32_t user, std::vector<Span> spans, uint32_t end) {
  std::sort(spans.begin(), spans.end(),
            [](const Span& a, const Span& b) { return a.begin < b.begin; });
  std::vector<Edge> edges;
  for (size_t i = 0; i < spans.size();) {
    uint32_t until = spans[i].end;
    edges.push_back({user, spans[i].begin, true});
    // A session that begins when another one ends: the end comes first.
    for (++i; i < spans.size() && spans[i].begin < until; ++i) {
      until = std::max(until, spans[i].end);
    }
    if (until < end) edges.push_back({user, until, false});
  }
  return edges;
}

TEST(FleetEdges, AreWhatTheRulesSayForEveryUser) {
  const Scenario scenario = fleet_scenario();
  const DayProfile profile(scenario);
  Seen seen;
  Fleet fleet(scenario, 1);
  fleet.set_observer(&seen);
  while (!fleet.is_over()) fleet.run_window();

  std::vector<Edge> expected;
  for (uint32_t user = 0; user < scenario.users; ++user) {
    std::vector<Span> spans;
    for (const bool second : {false, true}) {
      if (second && !profile.has_second(user)) continue;
      SlowDevice device(seen.heartbeats[{user, second}]);
      DayPlan plan(profile, {.user = user, .second = second});
      while (const auto step = plan.next(profile)) device.step(*step);
      device.run_to(profile.end());
      EXPECT_TRUE(device.all_heartbeats_taken()) << user;
      spans.insert(spans.end(), device.spans().begin(), device.spans().end());
    }
    for (const Edge& edge : edges_of(user, spans, profile.end())) expected.push_back(edge);
  }
  const auto order = [](const Edge& a, const Edge& b) {
    return std::tuple(a.user, a.tick, a.online) < std::tuple(b.user, b.tick, b.online);
  };
  std::stable_sort(expected.begin(), expected.end(), order);
  std::stable_sort(seen.edges.begin(), seen.edges.end(), order);
  EXPECT_GT(expected.size(), 3'000u);
  ASSERT_EQ(seen.edges.size(), expected.size());
  for (size_t i = 0; i < expected.size(); ++i) {
    ASSERT_EQ(seen.edges[i], expected[i])
        << "user " << expected[i].user << " tick " << expected[i].tick << " seen "
        << seen.edges[i].user << " " << seen.edges[i].tick << " " << seen.edges[i].online;
  }
  const FleetCounts& counts = fleet.totals().counts;
  EXPECT_GT(counts.heartbeat_timeouts, 100u);
  EXPECT_GT(counts.devices_replaced, 100u);
  EXPECT_GT(counts.sessions_resumed, 100u);
}

}  // namespace
}  // namespace chat::sim
