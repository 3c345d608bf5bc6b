#include "sim/report/run_result.h"

#include <utility>

namespace chat::sim {
namespace {

std::optional<double> count_metric(const OracleCounts& counts, std::string_view name) {
  const std::pair<std::string_view, uint64_t> known[] = {
      {"sent", counts.sent},
      {"acked", counts.acked},
      {"refused", counts.refused},
      {"expected_deliveries", counts.expected_deliveries},
      {"delivered", counts.delivered},
      {"lost", counts.lost},
      {"duplicate", counts.duplicate},
      {"reordered", counts.reordered},
      {"phantom", counts.phantom},
      {"stale", counts.stale},
      {"late", counts.late},
      {"not_sent", counts.not_sent},
      {"by_history", counts.by_history},
      {"pruned", counts.pruned},
      {"skipped", counts.skipped}};
  for (const auto& [key, count] : known) {
    if (key == name) return static_cast<double>(count);
  }
  return std::nullopt;
}

std::optional<double> change_metric(const OracleCounts& counts, std::string_view name) {
  const ChangeCounts* const kinds[] = {&counts.edits, &counts.deletions, &counts.reactions};
  const auto sum = [&](uint64_t ChangeCounts::*member) {
    uint64_t total = 0;
    for (const ChangeCounts* kind : kinds) total += kind->*member;
    return static_cast<double>(total);
  };
  if (name == "sent") return sum(&ChangeCounts::sent);
  if (name == "acked") return sum(&ChangeCounts::acked);
  if (name == "refused") return sum(&ChangeCounts::refused);
  if (name == "leaves") return static_cast<double>(counts.leaves);
  if (name == "tombstones") return static_cast<double>(counts.tombstones);
  return std::nullopt;
}

std::optional<double> side_metric(const SideUse& use, std::string_view name) {
  if (name == "cpu") return use.cpu_s * 1'000;
  if (use.rss_bytes == 0) return std::nullopt;  // Not known: no process has none.
  if (name == "rss") return static_cast<double>(use.rss_bytes);
  if (name == "bytes_per_user" || name == "bytes_per_connection") {
    return static_cast<double>(use.bytes_each);
  }
  return std::nullopt;
}

std::optional<double> virtual_metric(const VirtualFacts& facts, std::string_view name) {
  if (name == "peak_concurrent") return static_cast<double>(facts.peak_concurrent);
  if (name == "heartbeats") return static_cast<double>(facts.heartbeats);
  if (name == "bytes_per_user") return facts.bytes_per_user;
  return std::nullopt;
}

}  // namespace

bool RunResult::gates_passed() const {
  for (const GateResult& gate : gates) {
    if (!gate.passed) return false;
  }
  return true;
}

const LadderStep* RunResult::best_step() const {
  const LadderStep* best = nullptr;
  for (const LadderStep& step : ladder) {
    if (step.valid && step.passed) best = &step;
  }
  return best;
}

std::optional<double> RunResult::metric(std::string_view name) const {
  if (const auto count = count_metric(oracle.counts, name)) return count;
  if (name == "users.asked") return static_cast<double>(users_asked);
  if (name == "users.peak") return static_cast<double>(users_peak);
  if (name == "ladder.rate") {
    const LadderStep* best = best_step();
    return best == nullptr ? 0 : best->rate_per_s;
  }
  if (name.starts_with("storm.")) {
    return storm ? storm->metric(name.substr(6)) : std::nullopt;
  }
  if (name.starts_with("virtual.")) {
    return in_virtual_time ? virtual_metric(*in_virtual_time, name.substr(8)) : std::nullopt;
  }
  if (name.starts_with("changes.")) return change_metric(oracle.counts, name.substr(8));
  if (name.starts_with("catch_up.")) return percentile_ms(catch_up, name.substr(9));
  if (name.starts_with("generator.") && !name.starts_with("generator.lag.")) {
    return side_metric(generator, name.substr(10));
  }
  if (name.starts_with("server.")) {
    if (!server) return std::nullopt;
    return side_metric(*server, name.substr(7));
  }
  return totals.metric(name);
}

}  // namespace chat::sim
