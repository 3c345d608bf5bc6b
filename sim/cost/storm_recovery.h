// StormRecovery: how long it takes until the clients of a lost zone are all connected again, to the
// engines that are left: core's Admission decides, and clients come back as core's ClientSession
// does (announced window, then back-off with full jitter). One engine stands for all; network and
// handshake take no time here. Thread rule: pure function.
#pragma once

#include <cstdint>

#include "core/base/random.h"
#include "core/base/time.h"
#include "core/policy/admission.h"

namespace chat::sim {

struct StormCase {
  AdmissionOptions admission;  ///< Of each engine.
  uint64_t kept = 0;           ///< Connections that the engine has and keeps.
  uint64_t returning = 0;      ///< Lost ones that come to it.
  /// Connections of an engine that was lost: its Welcomes announced a window for as many.
  uint64_t lost_engine = 0;
};

struct StormOutcome {
  Duration recovered;    ///< Until the last one was let in.
  Duration median;       ///< Until half of them were.
  uint64_t refused = 0;  ///< Attempts that were too early.
  bool full = false;     ///< connections_max keeps some out for ever; recovered is of the others.
};

StormOutcome recover(const StormCase& storm, Random& random);

}  // namespace chat::sim
