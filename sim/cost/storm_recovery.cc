#include "sim/cost/storm_recovery.h"

#include <algorithm>
#include <queue>
#include <utility>
#include <vector>

#include "core/session/client_session.h"

namespace chat::sim {
namespace {

struct Attempt {
  Instant at;
  uint64_t order = 0;
  int failures = 0;
  bool operator>(const Attempt& other) const {
    return std::pair(at, order) > std::pair(other.at, other.order);
  }
};

/// An engine with so many connections that were accepted long ago.
Admission engine_with(AdmissionOptions options, uint64_t connections) {
  const AdmissionOptions wanted = options;
  options.accepts_per_second = 0;
  options.connections_max = 0;
  Admission admission(options);
  for (uint64_t i = 0; i < connections; ++i) admission.admit(Instant{});
  admission.set_options(wanted);
  return admission;
}

/// ClientSession::closed() for a connection that broke or was refused without a GoAway.
Duration wait(int failures, Duration announced, Random& random) {
  const ClientOptions client;
  int64_t bound = client.backoff_base.ns;
  for (int i = 0; i < failures && bound < client.backoff_cap.ns; ++i) bound *= 2;
  bound = std::min(bound, client.backoff_cap.ns);
  return Duration{random.between(0, std::max(bound, announced.ns))};
}

}  // namespace

StormOutcome recover(const StormCase& storm, Random& random) {
  const Duration announced = engine_with(storm.admission, storm.lost_engine).reconnect_window();
  Admission engine = engine_with(storm.admission, storm.kept);
  StormOutcome outcome;
  uint64_t returning = storm.returning;
  if (const uint64_t most = storm.admission.connections_max; most > 0) {
    const uint64_t room = most > storm.kept ? most - storm.kept : 0;
    outcome.full = returning > room;
    returning = std::min(returning, room);
  }
  std::priority_queue<Attempt, std::vector<Attempt>, std::greater<>> attempts;
  for (uint64_t i = 0; i < returning; ++i) {
    attempts.push({Instant{} + wait(0, announced, random), i, 1});
  }
  uint64_t order = returning, accepted = 0;
  while (!attempts.empty()) {
    const Attempt attempt = attempts.top();
    attempts.pop();
    if (engine.admit(attempt.at) == AdmissionVerdict::accept) {
      outcome.recovered = attempt.at - Instant{};
      if (++accepted == (returning + 1) / 2) outcome.median = outcome.recovered;
      continue;
    }
    ++outcome.refused;
    const Duration pause = wait(attempt.failures, {}, random);
    attempts.push({attempt.at + pause, order++, attempt.failures + 1});
  }
  return outcome;
}

}  // namespace chat::sim
