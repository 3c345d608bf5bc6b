// The clocks of the live driver: the monotonic one measures, the wall clock only names dates.
// Thread rule: callable from any thread.
#pragma once

#include "core/base/time.h"

namespace chat::sim {

Instant monotonic_now();
WallTime wall_now();

}  // namespace chat::sim
