// A result with something in every part, for tests of its forms.
// Thread rule: a pure function.
#pragma once

#include "sim/report/run_result.h"

namespace chat::sim {

/// A made-up run of `length_s` seconds in which everything went well but for a slow spell.
RunResult sample_result(int length_s = 80);

}  // namespace chat::sim
