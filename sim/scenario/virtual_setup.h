// VirtualSetup: what stands in the place of machines, networks and disks when a scenario runs in
// virtual time. Plain values; the models themselves are in sim/virtual. The meaning of the keys
// `servers`, `network` and `disk`, which live runs leave out. Thread rule: plain values.
#pragma once

#include <cstdint>
#include <vector>

#include "core/base/error.h"
#include "core/base/time.h"
#include "sim/scenario/day.h"

namespace chat::sim {

/// What an engine's processor needs for a turn and for what the turn does.
struct CpuCosts {
  Duration turn = microseconds(20);
  Duration input = microseconds(6);
  Duration output = microseconds(3);
  Duration input_kib = {};   ///< Per 1,024 bytes that came from a client or another engine.
  Duration output_kib = {};  ///< Per 1,024 bytes to a client or another engine.
  double spread = 0;         ///< 0: a turn takes exactly that; 1: exponentially spread around it.

  bool operator==(const CpuCosts&) const = default;
};

/// Losses that come in bursts: a path is good or bad, and what is sent while it is bad is lost
/// (Gilbert and Elliott's model, in continuous time). Both states last exponentially long.
struct BurstLoss {
  double share = 0;                    ///< 0 <= share < 1 of the time is bad; 0 = no loss.
  Duration burst = milliseconds(100);  ///< Mean length of a bad time.

  bool operator==(const BurstLoss&) const = default;
};

/// One way of a network path. All zero is a perfect wire.
struct PathModel {
  Duration delay = {};       ///< Of everything.
  Duration jitter = {};      ///< Mean of what comes on top of it, exponentially spread.
  uint64_t bytes_per_s = 0;  ///< What waits for its turn queues up; 0 = no limit.
  BurstLoss loss = {};
  Duration retransmit_after =
      milliseconds(200);       ///< Streams: when what was lost is sent again; doubles each time.
  double repeated_share = 0;   ///< Datagrams: 0..1 come twice.
  double overtaken_share = 0;  ///< Datagrams: 0..1 come later than others that left after them.
  Duration overtaken_by = milliseconds(10);  ///< How much later.

  bool operator==(const PathModel&) const = default;
};

/// The path between a client and its server.
struct ClientPath {
  PathModel up = {};
  PathModel down = {};
  uint32_t handshake_round_trips = 1;  ///< Before the client's first request can leave.
  double silent_share = 0;  ///< 0..1 of the broken links end without a word to the server.

  bool operator==(const ClientPath&) const = default;
};

struct NetworkModel {
  std::vector<ClientPath> clients{1};  ///< The kinds of paths; links name theirs by number.
  PathModel peer = {};                 ///< From one process to another.
  Duration mailbox = microseconds(5);  ///< From one engine to another of its process.
};

/// A store's or a process's disk: a few readers, and one writer that syncs all writes that wait at
/// once (group commit).
struct DiskModel {
  Duration read = microseconds(100);  ///< A read.
  uint32_t readers = 2;               ///< Reads at the same time; the others wait.
  Duration sync = milliseconds(1);    ///< Once per group of writes.
  Duration write = microseconds(10);  ///< Each write of the group.
  Duration write_kib = {};            ///< Per 1,024 bytes of a write.
  uint32_t group_max = 2'048;         ///< Writes per group.
  double spread = 0;  ///< 0: everything takes exactly that; 1: exponentially spread around it.

  bool operator==(const DiskModel&) const = default;
};

/// A machine room in which nothing is far.
struct VirtualSetup {
  uint32_t processes = 1;
  uint32_t engines_per_process = 1;
  Duration account_check = microseconds(500);  ///< Of a token or of users.
  CpuCosts cpu;
  ClientPath client{.up = {.delay = microseconds(100)}, .down = {.delay = microseconds(100)}};
  PathModel peer{.delay = microseconds(50)};
  Duration mailbox = microseconds(5);
  DiskModel disk;

  bool operator==(const VirtualSetup&) const = default;
};

/// The network of the setup: a kind of client path for every region, in their order; one if there
/// is none.
NetworkModel network_of(const VirtualSetup& setup, const std::vector<Region>& regions);

/// Errors: invalid_argument that names the key and the remedy.
Status check_virtual_setup(const VirtualSetup& setup);

}  // namespace chat::sim
