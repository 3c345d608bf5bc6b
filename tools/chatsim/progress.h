// ProgressPrinter: tells on standard error how far a run is: one line that is updated on a
// terminal, a line every few seconds elsewhere. Thread rule: one thread.
#pragma once

#include <string>

#include "core/base/time.h"
#include "sim/crowd/scenario_run.h"

namespace chat::sim {

/// The progress as one line, for example "run 23/60 s · 1987 of 2000 users · 201 msg/s · …".
std::string progress_line(const RunProgress& progress);

class ProgressPrinter {
 public:
  explicit ProgressPrinter(bool terminal) : terminal_(terminal) {}
  ~ProgressPrinter() { end(); }

  void print(const RunProgress& progress);
  /// Leaves the updated line.
  void end();

 private:
  bool terminal_;
  bool line_open_ = false;
  std::string phase_;
  Duration printed_;  ///< Of the phase.
};

}  // namespace chat::sim
