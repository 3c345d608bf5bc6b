// TurnLog: everything that went into and came out of a live engine, with its turn boundaries, so
// that a bare engine can be given the same and must answer the same. For tests and for finding
// bugs: it only grows. Thread rule: written by one reactor; read it when that has stopped.
#pragma once

#include <vector>

#include "core/base/time.h"
#include "core/engine/io.h"

namespace chat {

struct TurnRecord {
  Instant now;
  WallTime wall;
  std::vector<Input> inputs;
  std::vector<Output> outputs;
};

struct TurnLog {
  std::vector<TurnRecord> turns;
};

}  // namespace chat
