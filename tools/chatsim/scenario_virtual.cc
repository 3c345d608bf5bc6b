#include "tools/chatsim/scenario_virtual.h"

#include <algorithm>
#include <iterator>

namespace chat::sim {
namespace {

constexpr DurationRange kTime{.min = {}, .max = seconds(24 * 3600)};
constexpr NumberRange kShare{.min = 0, .max = 1};
constexpr NumberRange kLoss{.min = 0, .max = 0.9};
constexpr BytesRange kBytesPerSecond{.min = 0, .max = uint64_t{1} << 40};

void read_servers(YamlMap& top, VirtualSetup& setup) {
  YamlMap servers = top.map("servers");
  servers.integer("processes", setup.processes, {.min = 1, .max = 64});
  servers.integer("engines", setup.engines_per_process, {.min = 1, .max = 64});
  servers.duration("account_check", setup.account_check, kTime);
  YamlMap cpu = servers.map("cpu");
  cpu.duration("turn", setup.cpu.turn, kTime);
  cpu.duration("input", setup.cpu.input, kTime);
  cpu.duration("output", setup.cpu.output, kTime);
  cpu.duration("input_kib", setup.cpu.input_kib, kTime);
  cpu.duration("output_kib", setup.cpu.output_kib, kTime);
  cpu.number("spread", setup.cpu.spread, kShare);
}

/// What every path has; half of the round trip is one way.
void read_path(YamlMap& map, PathModel& path) {
  Duration round_trip = path.delay * 2;
  map.duration("round_trip", round_trip, kTime);
  path.delay = round_trip / 2;
  map.duration("jitter", path.jitter, kTime);
  YamlMap loss = map.map("loss");
  loss.number("share", path.loss.share, kLoss);
  loss.duration("burst", path.loss.burst, kTime);
}

void read_network(YamlMap& top, VirtualSetup& setup) {
  YamlMap network = top.map("network");
  YamlMap client = network.map("client");
  PathModel& up = setup.client.up;
  read_path(client, up);
  client.duration("retransmit", up.retransmit_after, kTime);
  PathModel& down = setup.client.down;
  down = up;
  client.bytes("up", up.bytes_per_s, kBytesPerSecond);
  client.bytes("down", down.bytes_per_s, kBytesPerSecond);
  client.integer("handshake", setup.client.handshake_round_trips, {.min = 0, .max = 10});
  client.number("silent", setup.client.silent_share, kShare);
  YamlMap peer = network.map("peer");
  read_path(peer, setup.peer);
  peer.bytes("bandwidth", setup.peer.bytes_per_s, kBytesPerSecond);
  peer.number("repeated", setup.peer.repeated_share, kShare);
  YamlMap overtaken = peer.map("overtaken");
  overtaken.number("share", setup.peer.overtaken_share, kShare);
  overtaken.duration("by", setup.peer.overtaken_by, kTime);
  network.duration("mailbox", setup.mailbox, kTime);
}

void read_disk(YamlMap& top, DiskModel& disk) {
  YamlMap map = top.map("disk");
  map.duration("read", disk.read, kTime);
  map.integer("readers", disk.readers, {.min = 1, .max = 1'024});
  map.duration("sync", disk.sync, kTime);
  map.duration("write", disk.write, kTime);
  map.duration("write_kib", disk.write_kib, kTime);
  map.integer("group_max", disk.group_max, {.min = 1, .max = 1'000'000});
  map.number("spread", disk.spread, kShare);
}

FaultKind read_kind(YamlMap& map) {
  std::vector<std::string> names;
  for (const FaultKind kind : kFaultKinds) names.emplace_back(name_of(kind));
  std::string name = names.front();
  map.require("kind");
  map.choice("kind", name, names);
  const auto found = std::find(names.begin(), names.end(), name);
  return kFaultKinds[found - names.begin()];
}

/// A key that the kind does not have stays unknown, and is refused as such.
FaultRule read_fault(YamlMap& map) {
  FaultRule rule;
  rule.kind = read_kind(map);
  if (map.has("at")) map.duration("at", rule.at.emplace(), kTime);
  map.duration("every", rule.every, kTime);
  if (rule.kind != FaultKind::drop) map.duration("for", rule.lasts, kTime);
  switch (rule.kind) {
    case FaultKind::crash:
    case FaultKind::partition:
      map.integer("process", rule.process, {.min = 1, .max = 64});
      break;
    case FaultKind::slow_disk:
      map.number("factor", rule.factor, {.min = 1, .max = 1e6});
      break;
    case FaultKind::store_stall:
      break;
    case FaultKind::store_error:
    case FaultKind::drop:
      map.number("share", rule.share, kShare);
      break;
    case FaultKind::clock_skew: {
      map.integer("process", rule.process, {.min = 1, .max = 64});
      Duration behind;
      map.duration("ahead", rule.ahead, kTime);
      map.duration("behind", behind, kTime);
      rule.ahead = rule.ahead - behind;
      break;
    }
  }
  return rule;
}

}  // namespace

void read_virtual(YamlMap& top, Scenario& scenario) {
  read_servers(top, scenario.virtual_setup);
  read_network(top, scenario.virtual_setup);
  read_disk(top, scenario.virtual_setup.disk);
  for (YamlMap& map : top.maps("faults")) scenario.faults.push_back(read_fault(map));
}

}  // namespace chat::sim
