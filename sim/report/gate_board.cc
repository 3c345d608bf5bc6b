#include "sim/report/gate_board.h"

#include <utility>

namespace chat::sim {

GateBoard::GateBoard(std::vector<Gate> gates) {
  for (Gate& gate : gates) {
    GateResult result;
    result.expression = gate.text();
    entries_.push_back({std::move(gate), WindowStats{}, std::move(result)});
  }
}

void GateBoard::add_second(const WindowStats& second) {
  for (Entry& entry : entries_) {
    if (!entry.gate.window()) continue;
    entry.window.merge(second);
    if (entry.window.length < *entry.gate.window()) continue;
    const GateOutcome outcome =
        entry.gate.evaluate([&](std::string_view name) { return entry.window.metric(name); });
    ++entry.result.windows;
    if (!outcome.passed) ++entry.result.misses;
    const bool first_miss = !outcome.passed && entry.result.misses == 1;
    if (first_miss || entry.result.misses == 0) entry.result.value = outcome.value;
    entry.window.clear();
  }
}

std::vector<GateResult> GateBoard::finish(const MetricLookup& run, bool valid) const {
  std::vector<GateResult> results;
  for (const Entry& entry : entries_) {
    GateResult result = entry.result;
    if (entry.gate.window()) {
      result.passed = result.windows > 0 && result.misses <= entry.gate.misses_allowed();
    } else {
      const GateOutcome outcome = entry.gate.evaluate(run);
      result.value = outcome.value;
      result.passed = outcome.passed;
    }
    result.passed = result.passed && valid;
    results.push_back(std::move(result));
  }
  return results;
}

}  // namespace chat::sim
