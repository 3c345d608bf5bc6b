// Interrupt: lets a run end early with a partial result when the user presses Ctrl-C (SIGINT) or
// SIGTERM comes; a second one ends the process. Thread rule: one object per process.
#pragma once

#include <atomic>

namespace chat::sim {

class Interrupt {
 public:
  Interrupt();
  ~Interrupt();
  Interrupt(const Interrupt&) = delete;
  Interrupt& operator=(const Interrupt&) = delete;

  /// Set once the signal came.
  const std::atomic<bool>& flag() const;
};

}  // namespace chat::sim
