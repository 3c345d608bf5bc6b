// The clocks of the live driver. Callable from any thread.
#pragma once

#include "core/base/time.h"

namespace chat::sim {

Instant monotonic_now();
WallTime wall_now();

}  // namespace chat::sim
