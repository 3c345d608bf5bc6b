// The queue of occurrences and the stations against what queueing theory says in closed form.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "sim/scenario/population.h"
#include "sim/scenario/user_plan.h"
#include "sim/virtual/disk_queue.h"
#include "sim/virtual/network_path.h"
#include "sim/virtual/occurrence_queue.h"
#include "sim/virtual/service_station.h"
#include "tests/sim/virtual/statistics.h"

namespace chat::sim {
namespace {

constexpr Duration kService = milliseconds(1);
constexpr uint32_t kWarmUp = 5'000;
constexpr uint32_t kCustomers = 100'000;
constexpr double kLong = 5;  // A sojourn beyond five mean services.

struct Setting {
  uint32_t servers = 1;
  double load = 0.7;  ///< Of each server.
  double spread = 1;  ///< Of service times: exponential; 0: constant.
};

/// What one replication found, in units of the mean service time.
struct Found {
  double sojourn = 0;    ///< Mean W.
  double waiting = 0;    ///< Mean Wq.
  double in_system = 0;  ///< L, by time.
  double arrival_rate = 0;
  double waited_share = 0;
  double found_empty = 0;  ///< Share of arrivals that found nobody.
  double long_share = 0;   ///< Share of sojourns of more than kLong.
};

/// A station fed by Poisson arrivals: every arrival and every departure is an occurrence.
class Simulation {
 public:
  Simulation(const Setting& setting, uint64_t seed)
      : setting_(setting),
        random_(Random(seed).fork("queue")),
        station_(setting.servers),
        gap_(static_cast<double>(kService.ns) / (setting.load * setting.servers)) {}

  Found run() {
    arrive_later();
    while (arrived_ < kWarmUp + kCustomers) queue_.run_next(kNever);
    count(0);
    const auto customers = static_cast<double>(departed_);
    const auto service = static_cast<double>(kService.ns);
    const auto time = static_cast<double>((queue_.now() - began_).ns);
    Found found;
    found.sojourn = sojourns_ / customers / service;
    found.waiting = waits_ / customers / service;
    found.in_system = area_ / time;
    found.arrival_rate = kCustomers / time * service;
    found.waited_share = static_cast<double>(waited_) / customers;
    found.found_empty = static_cast<double>(found_empty_) / kCustomers;
    found.long_share = static_cast<double>(long_) / customers;
    return found;
  }

 private:
  void arrive_later() {
    queue_.after(nanoseconds(static_cast<int64_t>(random_.exponential(gap_))),
                 [this] { arrive(); });
  }

  void arrive() {
    if (arrived_++ == kWarmUp) {
      began_ = counted_until_ = queue_.now();
      area_ = 0;
    }
    if (arrived_ > kWarmUp && in_system_ == 0) ++found_empty_;
    count(+1);
    const Duration service = draw_service(kService, setting_.spread, random_);
    const Instant done = station_.serve(queue_.now(), service);
    queue_.at(done, [this, measured = arrived_ > kWarmUp, arrived = queue_.now(), service] {
      count(-1);
      if (measured) depart(queue_.now() - arrived, service);
    });
    arrive_later();
  }

  void depart(Duration sojourn, Duration service) {
    ++departed_;
    sojourns_ += static_cast<double>(sojourn.ns);
    waits_ += static_cast<double>((sojourn - service).ns);
    if (sojourn > service) ++waited_;
    if (static_cast<double>(sojourn.ns) > kLong * static_cast<double>(kService.ns)) ++long_;
  }

  void count(int change) {
    area_ += in_system_ * static_cast<double>((queue_.now() - counted_until_).ns);
    counted_until_ = queue_.now();
    in_system_ += change;
  }

  const Setting setting_;
  Random random_;
  OccurrenceQueue queue_;
  ServiceStation station_;
  double gap_;
  uint32_t arrived_ = 0, departed_ = 0, waited_ = 0, found_empty_ = 0, long_ = 0;
  double sojourns_ = 0, waits_ = 0, area_ = 0;
  int in_system_ = 0;
  Instant began_, counted_until_;
};

struct Estimates {
  Replications sojourn, waiting, in_system, arrival_rate, waited_share, found_empty, long_share;
  Replications little;  ///< L / (lambda W).
};

Estimates replicate(const Setting& setting) {
  Estimates estimates;
  for (uint64_t seed = 1; seed <= kReplications; ++seed) {
    const Found found = Simulation(setting, seed).run();
    estimates.sojourn.add(found.sojourn);
    estimates.waiting.add(found.waiting);
    estimates.in_system.add(found.in_system);
    estimates.arrival_rate.add(found.arrival_rate);
    estimates.waited_share.add(found.waited_share);
    estimates.found_empty.add(found.found_empty);
    estimates.long_share.add(found.long_share);
    estimates.little.add(found.in_system / (found.arrival_rate * found.sojourn));
  }
  return estimates;
}

/// Erlang's C: the share of arrivals at M/M/c that wait.
double erlang_c(uint32_t servers, double load) {
  const double offered = load * servers;
  double term = 1, sum = 0;
  for (uint32_t k = 0; k < servers; ++k) {
    sum += term;
    term *= offered / (k + 1);
  }
  const double all_busy = term / (1 - load);
  return all_busy / (sum + all_busy);
}

TEST(QueueTheory, OneServerBehavesAsMM1) {
  const double load = 0.7;
  const Estimates found = replicate({.servers = 1, .load = load});
  found.arrival_rate.expect(load, 0.01, "arrival rate");
  found.sojourn.expect(1 / (1 - load), 0.03, "W");
  found.waiting.expect(load / (1 - load), 0.05, "Wq");
  found.in_system.expect(load / (1 - load), 0.04, "L");
  found.found_empty.expect(1 - load, 0.02, "arrivals that find nobody");
  found.long_share.expect(std::exp(-(1 - load) * kLong), 0.06, "the tail of the sojourn");
}

TEST(QueueTheory, SeveralServersBehaveAsMMc) {
  for (const uint32_t servers : {2u, 5u}) {
    const double load = 0.75;
    const double waits = erlang_c(servers, load);
    const double waiting = waits / (servers * (1 - load));
    const Estimates found = replicate({.servers = servers, .load = load});
    found.waited_share.expect(waits, 0.02, "Erlang's C");
    found.waiting.expect(waiting, 0.05, "Wq");
    found.sojourn.expect(waiting + 1, 0.03, "W");
    found.in_system.expect(servers * load * (waiting + 1), 0.03, "L");
  }
}

TEST(QueueTheory, ConstantServiceTimesBehaveAsMD1) {
  const double load = 0.7;
  const Estimates found = replicate({.servers = 1, .load = load, .spread = 0});
  found.waiting.expect(load / (2 * (1 - load)), 0.02, "Wq by Pollaczek and Khinchine");
  // The intervals are narrow enough to tell the two apart.
  EXPECT_FALSE(found.waiting.contain(load / (1 - load)));
}

TEST(QueueTheory, LittlesLawHoldsWhateverTheStation) {
  for (const Setting& setting :
       {Setting{.servers = 1, .load = 0.7}, Setting{.servers = 5, .load = 0.9, .spread = 0.5},
        Setting{.servers = 1, .load = 0.5, .spread = 0}}) {
    const Estimates found = replicate(setting);
    // What stands in the queue at both ends of the time is all that may be missing.
    EXPECT_NEAR(found.little.mean(), 1, 0.002);
  }
}

TEST(QueueTheory, BandwidthIsAQueueWithConstantServiceTimes) {
  const PathModel model{.delay = milliseconds(5), .bytes_per_s = 1'000'000};
  const double load = 0.6;
  constexpr uint64_t kBytes = 1'000;  // a millisecond
  Replications waiting;
  for (uint64_t seed = 1; seed <= kReplications; ++seed) {
    Random random(seed);
    NetworkPath path;
    Instant now;
    double waits = 0;
    for (uint32_t i = 0; i < kCustomers; ++i) {
      now = now + nanoseconds(static_cast<int64_t>(random.exponential(1e6 / load)));
      const Duration took = path.stream(model, now, kBytes, random) - now;
      waits += static_cast<double>((took - milliseconds(6)).ns) / 1e6;
    }
    waiting.add(waits / kCustomers);
  }
  waiting.expect(load / (2 * (1 - load)), 0.02, "Wq");
}

// With so many writes that one always waits, a write waits for half a sync on average, and then for
// its own.
TEST(QueueTheory, AGroupCommitTakesOneAndAHalfSyncs) {
  constexpr double kPerSync = 20;
  const DiskModel model{.sync = milliseconds(1), .write = {}};
  const Slowdown none;
  Replications took, group;
  for (uint64_t seed = 1; seed <= kReplications; ++seed) {
    Random random(seed);
    OccurrenceQueue queue;
    DiskQueue disk(queue, model, none, random.fork("disk"));
    double sum = 0;
    uint32_t done = 0;
    Instant when;
    for (uint32_t i = 0; i < kCustomers; ++i) {
      when = when + nanoseconds(static_cast<int64_t>(random.exponential(1e6 / kPerSync)));
      queue.at(when, [&, when] {
        disk.write(100, [&, when] {
          sum += static_cast<double>((queue.now() - when).ns) / 1e6;
          ++done;
        });
      });
    }
    while (queue.run_next(when + seconds(1))) {
    }
    EXPECT_EQ(done, kCustomers);
    took.add(sum / kCustomers);
    group.add(kCustomers / static_cast<double>(disk.syncs()));
  }
  took.expect(1.5, 0.01, "syncs per write");
  group.expect(kPerSync, 0.02, "writes per sync");
}

// ---------------------------------------------------------------- arrivals

Scenario sending_scenario() {
  Scenario scenario;
  scenario.name = "arrivals";
  scenario.seed = 11;
  scenario.users = 4'000;
  scenario.duration = seconds(100);
  scenario.chats.direct_per_user = 2;
  scenario.sends.per_user_per_s = 0.05;
  return scenario;
}

TEST(QueueTheory, SendsOfAUserAreAPoissonProcess) {
  const Scenario scenario = sending_scenario();
  const RunPlan run(scenario);
  const double mean = scenario.sends.per_user_per_s * scenario.duration.seconds();
  constexpr size_t kClasses = 12;  // the last one: all above
  std::vector<uint64_t> users(kClasses), tenths(10);
  uint64_t sends = 0;
  for (uint32_t user = 0; user < scenario.users; ++user) {
    UserPlan plan(run, user);
    size_t count = 0;
    while (const auto action = plan.next(run)) {
      ++count;
      ++tenths[static_cast<size_t>(action->at.ns * 10 / scenario.duration.ns)];
    }
    sends += count;
    ++users[std::min(count, kClasses - 1)];
  }
  std::vector<double> expected;
  double share = std::exp(-mean), rest = 1;
  for (size_t count = 0; count + 1 < kClasses; ++count) {
    expected.push_back(share * scenario.users);
    rest -= share;
    share *= mean / static_cast<double>(count + 1);
  }
  expected.push_back(rest * scenario.users);
  expect_fit(users, expected);
  // Given how many there are, they lie anywhere.
  expect_fit(tenths, std::vector<double>(10, static_cast<double>(sends) / 10));
}

TEST(QueueTheory, UsersWhoHaveArrivedAreBinomial) {
  Scenario scenario = sending_scenario();
  constexpr uint32_t kRuns = 400;
  constexpr double kShare = 0.25;  // of the ramp is over
  scenario.users = 40;
  std::vector<uint64_t> counts(scenario.users + 1);
  for (uint32_t i = 0; i < kRuns; ++i) {
    const Population population(scenario, Random(i));
    size_t here = 0;
    for (uint32_t user = 0; user < scenario.users; ++user) {
      if (population.traits(user).arrives.seconds() < kShare * scenario.arrival.over.seconds()) {
        ++here;
      }
    }
    ++counts[here];
  }
  // Classes of enough users each: up to 6, 7, …, 13, more.
  std::vector<uint64_t> found(9);
  std::vector<double> expected(9);
  double probability = std::pow(1 - kShare, scenario.users);
  for (uint32_t k = 0; k <= scenario.users; ++k) {
    const size_t place = std::clamp<size_t>(k, 6, 14) - 6;
    found[place] += counts[k];
    expected[place] += probability * kRuns;
    probability *= kShare / (1 - kShare) * (scenario.users - k) / (k + 1);
  }
  expect_fit(found, expected);
}

}  // namespace
}  // namespace chat::sim
