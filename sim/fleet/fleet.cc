#include "sim/fleet/fleet.h"

#include <algorithm>

#include "core/base/assert.h"
#include "core/base/digest.h"

namespace chat::sim {
namespace {

constexpr uint32_t kChunkUsers = 1 << 16;

/// part × share ÷ whole, with the rest of the division carried on.
uint64_t share_of(uint64_t part, uint64_t share, uint64_t whole, uint64_t& rest) {
  const auto product = static_cast<__uint128_t>(part) * share + rest;
  rest = static_cast<uint64_t>(product % whole);
  return static_cast<uint64_t>(product / whole);
}

}  // namespace

Fleet::Fleet(const Scenario& scenario, uint32_t threads) : world_(scenario), pool_(threads) {
  std::vector<std::vector<uint32_t>> users = users_of_shards();
  shards_.resize(users.size());
  pool_.run(static_cast<uint32_t>(users.size()), [&](uint32_t shard) {
    shards_[shard] = std::make_unique<FleetShard>(world_, shard, users[shard]);
    users[shard] = {};
  });
}

Fleet::~Fleet() = default;

/// By the ring: every shard has the users whose home its engine is.
std::vector<std::vector<uint32_t>> Fleet::users_of_shards() {
  std::vector<uint16_t> owners(world_.users);
  const uint32_t chunks = (world_.users + kChunkUsers - 1) / kChunkUsers;
  pool_.run(chunks, [&](uint32_t chunk) {
    const uint32_t end = std::min((chunk + 1) * kChunkUsers, world_.users);
    for (uint32_t user = chunk * kChunkUsers; user < end; ++user) {
      const EngineRef owner = world_.ring.owner(UserId{uint64_t{user} + 1});
      owners[user] = static_cast<uint16_t>(owner.id.value - 1);
    }
  });
  std::vector<uint32_t> counts(world_.ring.engines().size());
  for (const uint16_t owner : owners) ++counts[owner];
  std::vector<std::vector<uint32_t>> users(counts.size());
  for (size_t shard = 0; shard < users.size(); ++shard) users[shard].reserve(counts[shard]);
  for (uint32_t user = 0; user < world_.users; ++user) users[owners[user]].push_back(user);
  return users;
}

void Fleet::set_observer(FleetObserver* observer) {
  for (const auto& shard : shards_) shard->set_observer(observer);
}

const FleetWindow& Fleet::run_window() {
  CHAT_ASSERT(!is_over());
  const uint32_t begin = tick_;
  tick_ = std::min(tick_ + world_.window_ticks, world_.profile.end());
  pool_.run(static_cast<uint32_t>(shards_.size()),
            [&](uint32_t shard) { shards_[shard]->advance(tick_); });
  window_ = {};
  window_.length = TickScale{}.length * (tick_ - begin);
  add_up(window_);
  return window_;
}

void Fleet::add_up(FleetWindow& window) {
  FleetCounts counts;
  for (const auto& shard : shards_) {
    counts += shard->counts();
    window.connections += shard->connections();
    window.users_online += shard->users_online();
  }
  window.counts = counts - totals_.counts;
  const uint64_t edges = window.counts.edges_online + window.counts.edges_offline;
  window.delivered =
      share_of(window.counts.recipients, totals_.users_online, world_.users, delivered_rest_);
  window.presence_pushed =
      share_of(edges * world_.watchers, totals_.users_online, world_.users, pushed_rest_);
  totals_.length = totals_.length + window.length;
  totals_.counts = counts;
  totals_.connections = window.connections;
  totals_.users_online = window.users_online;
  totals_.delivered += window.delivered;
  totals_.presence_pushed += window.presence_pushed;
  connections_peak_ = std::max(connections_peak_, window.connections);
  users_online_peak_ = std::max(users_online_peak_, window.users_online);
}

uint64_t Fleet::devices() const {
  uint64_t devices = 0;
  for (const auto& shard : shards_) devices += shard->devices();
  return devices;
}

uint64_t Fleet::occurrences() const {
  const FleetCounts& counts = totals_.counts;
  return counts.heartbeats + counts.steps + counts.heartbeat_timeouts + counts.edges_online +
         counts.edges_offline;
}

uint64_t Fleet::digest() const {
  Digest digest;
  for (const auto& shard : shards_) {
    digest.add(shard->edge_digest());
    digest.add(shard->connections());
    for (const FleetCounts::Field& field : FleetCounts::fields()) {
      digest.add(shard->counts().*field.value);
    }
  }
  digest.add(totals_.delivered);
  digest.add(totals_.presence_pushed);
  return digest.value();
}

uint64_t Fleet::memory_bytes() const {
  uint64_t bytes = 0;
  for (const auto& shard : shards_) bytes += shard->memory_bytes();
  return bytes;
}

}  // namespace chat::sim
