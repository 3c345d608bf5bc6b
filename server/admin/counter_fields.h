// The names of all EngineCounters, for status and metrics.
// Owns nothing. Thread rule: constant.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "core/engine/engine.h"

namespace chat {

struct CounterField {
  std::string_view name;
  uint64_t EngineCounters::*field;
  bool is_gauge = false;  ///< Tells how many there are now; all others only grow.
};

/// Every field, in the order of the struct.
std::span<const CounterField> counter_fields();

/// The counters of several engines together.
EngineCounters sum_of(std::span<const EngineCounters> counters);

}  // namespace chat
