// Models of networks, disks and processors for a random world, in the place of uniform delays:
// fast or slow, with bursts of loss, narrow links and bounded disks. Draws from a fork of its own.
#pragma once

#include "core/base/random.h"
#include "sim/virtual/virtual_world.h"

namespace chat::sim {

void draw_models(Random random, WorldOptions& world);

}  // namespace chat::sim
