#include "sim/scenario/virtual_setup.h"

namespace chat::sim {
namespace {

constexpr uint32_t kProcessesMax = 64;
constexpr double kLossMax = 0.9;

Status refuse(std::string text) { return make_error(ErrorCode::invalid_argument, std::move(text)); }

Status check_path(const PathModel& path, const std::string& key) {
  if (path.delay.ns < 0 || path.jitter.ns < 0) {
    return refuse(key + ".round_trip and " + key + ".jitter must be at least 0");
  }
  if (path.loss.share < 0 || path.loss.share > kLossMax) {
    return refuse(key + ".loss.share must be between 0 and 0.9");
  }
  if (path.loss.share > 0 && path.loss.burst.ns <= 0) {
    return refuse(key + ".loss.burst must be longer than 0s");
  }
  if (path.loss.share > 0 && path.retransmit_after < milliseconds(1)) {
    return refuse(key + ".retransmit must be at least 1ms");
  }
  return {};
}

}  // namespace

NetworkModel network_of(const VirtualSetup& setup, const std::vector<Region>& regions) {
  NetworkModel network{.clients = {}, .peer = setup.peer, .mailbox = setup.mailbox};
  for (const Region& region : regions) {
    ClientPath path = setup.client;
    if (region.round_trip.ns > 0) path.up.delay = path.down.delay = region.round_trip / 2;
    network.clients.push_back(path);
  }
  if (network.clients.empty()) network.clients.push_back(setup.client);
  return network;
}

Status check_virtual_setup(const VirtualSetup& setup) {
  if (setup.processes < 1 || setup.processes > kProcessesMax) {
    return refuse("servers.processes must be between 1 and 64");
  }
  if (setup.engines_per_process < 1 || setup.engines_per_process > kProcessesMax) {
    return refuse("servers.engines must be between 1 and 64");
  }
  if (setup.disk.readers < 1) return refuse("disk.readers must be at least 1");
  if (setup.disk.group_max < 1) return refuse("disk.group_max must be at least 1");
  for (const PathModel& way : {setup.client.up, setup.client.down}) {
    if (Status right = check_path(way, "network.client"); !right) return right;
  }
  return check_path(setup.peer, "network.peer");
}

}  // namespace chat::sim
