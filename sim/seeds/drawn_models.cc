#include "sim/seeds/drawn_models.h"

#include <initializer_list>

namespace chat::sim {
namespace {

template <class T>
T pick(Random& random, std::initializer_list<T> values) {
  return *(values.begin() + random.below(values.size()));
}

PathModel draw_path(Random& random, Duration delay_max) {
  PathModel path;
  path.delay = Duration{random.between(0, delay_max.ns)};
  path.jitter = pick<Duration>(random, {{}, path.delay / 4, path.delay});
  path.loss.share = pick(random, {0.0, 0.01, 0.1});
  path.loss.burst = pick<Duration>(random, {milliseconds(20), milliseconds(400)});
  return path;
}

}  // namespace

void draw_models(Random random, WorldOptions& world) {
  NetworkModel network;
  ClientPath& client = network.clients.front();
  client.up = draw_path(random, milliseconds(80));
  client.down = draw_path(random, milliseconds(80));
  client.down.bytes_per_s = pick<uint64_t>(random, {0, 30'000, 1'000'000});
  client.silent_share = pick(random, {0.0, 0.5, 1.0});
  network.peer = draw_path(random, milliseconds(5));
  network.peer.repeated_share = pick(random, {0.0, 0.05});
  network.peer.overtaken_share = pick(random, {0.0, 0.05});
  network.peer.bytes_per_s = pick<uint64_t>(random, {0, 10'000'000});
  world.network = network;
  DiskModel disk;
  disk.readers = pick<uint32_t>(random, {1, 4});
  disk.sync = pick<Duration>(random, {microseconds(100), milliseconds(2), milliseconds(30)});
  disk.write_kib = microseconds(random.between(0, 100));
  disk.spread = random.unit();
  world.disk = disk;
  world.cpu.turn = pick<Duration>(random, {{}, microseconds(20), milliseconds(2)});
  world.cpu.input_kib = microseconds(random.between(0, 50));
  world.cpu.output_kib = microseconds(random.between(0, 50));
  world.cpu.spread = random.unit();
  world.account_check = pick<Duration>(random, {{}, milliseconds(20)});
}

}  // namespace chat::sim
