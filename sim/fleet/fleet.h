// Fleet: all users of a scenario's day in virtual time, in shards that threads run.
// A shard advances alone for one window. What shards do to each other, deliveries and changes of
// presence that are told to watchers, is added up at the window's end from what all of them did, by
// the share of the users who were online when it began. The number of shards is the scenario's, so
// results do not depend on the number of threads. Thread rule: one thread calls it.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "core/base/time.h"
#include "sim/fleet/fleet_counts.h"
#include "sim/fleet/fleet_shard.h"
#include "sim/fleet/fleet_world.h"
#include "sim/fleet/worker_pool.h"

namespace chat::sim {

/// A window of a fleet's run.
struct FleetWindow {
  Duration length;
  FleetCounts counts;
  uint64_t connections = 0;      ///< At its end,
  uint64_t users_online = 0;     ///< as well.
  uint64_t delivered = 0;        ///< Recipients of its sends who were online.
  uint64_t presence_pushed = 0;  ///< Changes of presence told to watchers who were online.
};

class Fleet {
 public:
  /// Draws all users. `scenario` has a day; `threads` is at least 1.
  Fleet(const Scenario& scenario, uint32_t threads);
  ~Fleet();

  bool is_over() const { return tick_ >= world_.profile.end(); }
  /// Runs the next window, the last one may be shorter.
  const FleetWindow& run_window();
  void set_observer(FleetObserver* observer);

  Duration simulated() const { return TickScale{}.length * tick_; }
  /// Of the whole run so far; its connections and users_online are of now.
  const FleetWindow& totals() const { return totals_; }
  uint64_t connections_peak() const { return connections_peak_; }
  uint64_t users_online_peak() const { return users_online_peak_; }
  uint64_t devices() const;
  /// Everything that happened: heartbeats, steps, lost sessions and edges.
  uint64_t occurrences() const;
  /// Equal for equal runs, whatever the number of threads.
  uint64_t digest() const;
  /// Of all shards.
  uint64_t memory_bytes() const;

 private:
  std::vector<std::vector<uint32_t>> users_of_shards();
  void add_up(FleetWindow& window);

  FleetWorld world_;
  WorkerPool pool_;
  std::vector<std::unique_ptr<FleetShard>> shards_;
  uint32_t tick_ = 0;
  FleetWindow window_, totals_;
  uint64_t delivered_rest_ = 0;  ///< What did not make a whole delivery, in 1/users.
  uint64_t pushed_rest_ = 0;
  uint64_t connections_peak_ = 0;
  uint64_t users_online_peak_ = 0;
};

}  // namespace chat::sim
