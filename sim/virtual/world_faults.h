// WorldFaults: what goes wrong in a random world, and how long things take where no model of the
// network or the disk is given: uniformly between a short time and a longest one. Thread rule:
// plain values.
#pragma once

#include <cstdint>

#include "core/base/time.h"
#include "sim/virtual/virtual_delay_log.h"
#include "sim/virtual/virtual_store.h"

namespace chat::sim {

/// Probabilities are one in n; 0 = never.
struct WorldFaults {
  VirtualStoreFaults store;
  VirtualDelayFaults delay_log;
  Duration client_delay_max = milliseconds(20);
  Duration peer_delay_max = milliseconds(4);
  Duration peer_stray_delay = milliseconds(200);  ///< Of a datagram that others overtake.
  uint32_t peer_lost_one_in = 0;
  uint32_t peer_repeated_one_in = 0;
  uint32_t peer_stray_one_in = 0;
  Duration slow_reader =
      seconds(3);  ///< How long the kernel takes a Send that meets a slow reader.
  uint32_t slow_reader_one_in = 0;
  uint32_t half_open_one_in = 0;  ///< A dropped connection whose end the server is never told.
};

}  // namespace chat::sim
