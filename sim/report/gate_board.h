// GateBoard: judges the gates of a scenario: those with a window second by second while the run
// goes on, the others at its end. Thread rule: one thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "sim/report/window_stats.h"
#include "sim/scenario/gate.h"

namespace chat::sim {

struct GateResult {
  std::string expression;
  std::optional<double>
      value;  ///< Of the left side; per window: of the first that missed, or last.
  bool passed = false;
  uint32_t windows = 0;  ///< Judged; 0 for a gate of the whole run.
  uint32_t misses = 0;
};

class GateBoard {
 public:
  explicit GateBoard(std::vector<Gate> gates);

  /// One second of the run phase, in order. A window that is not full at the end is not judged.
  void add_second(const WindowStats& second);
  /// The verdicts, in the order of the gates. `run` has the metrics of the whole run. An invalid
  /// run passes no gate.
  std::vector<GateResult> finish(const MetricLookup& run, bool valid) const;

 private:
  struct Entry {
    Gate gate;
    WindowStats window;
    GateResult result;
  };
  std::vector<Entry> entries_;
};

}  // namespace chat::sim
