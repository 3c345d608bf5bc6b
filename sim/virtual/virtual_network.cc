#include "sim/virtual/virtual_network.h"

#include <algorithm>

#include "core/base/assert.h"

namespace chat::sim {
namespace {

// What a kernel keeps for a connection while the network is slow: Linux's usual first size.
constexpr uint64_t kSendBufferBytes = 87'040;

}  // namespace

uint32_t VirtualNetwork::add_kind(const ClientPath& path) {
  CHAT_ASSERT(model_.has_value());
  model_->clients.push_back(path);
  return static_cast<uint32_t>(model_->clients.size()) - 1;
}

Duration VirtualNetwork::uniform_delay() {
  return Duration{uniform_.between(20'000, faults_.client_delay_max.ns)};
}

VirtualNetwork::Opening VirtualNetwork::open(ClientWire& wire, Instant now) {
  if (!model_) {
    const Instant when = now + uniform_delay();
    return {when, when};
  }
  const ClientPath& path = path_of(wire);
  Instant when = now;
  for (uint32_t i = 0; i < path.handshake_round_trips; ++i) {
    when = wire.down.stream(path.down, wire.up.stream(path.up, when, 0, random_), 0, random_);
  }
  const Instant server = wire.up.stream(path.up, when, 0, random_);
  return {server, wire.down.stream(path.down, server, 0, random_)};
}

Instant VirtualNetwork::to_server(ClientWire& wire, Instant sent, uint64_t bytes) {
  if (!model_) return sent + uniform_delay();
  return wire.up.stream(path_of(wire).up, sent, bytes, random_);
}

VirtualNetwork::Delivery VirtualNetwork::to_client(ClientWire& wire, Instant written,
                                                   uint64_t bytes) {
  if (model_) {
    if (one_in(faults_.slow_reader_one_in)) written = written + faults_.slow_reader;
    const PathModel& down = path_of(wire).down;
    const Instant arrives = wire.down.stream(down, written, bytes, random_);
    return {wire.down.room_at(down, written, kSendBufferBytes), arrives};
  }
  Instant taken = written + Duration{uniform_.between(1'000, 200'000)};
  if (one_in(faults_.slow_reader_one_in)) taken = taken + faults_.slow_reader;
  return {taken, taken + uniform_delay()};
}

Instant VirtualNetwork::told_client(ClientWire& wire, Instant when) {
  if (!model_) return when + uniform_delay();
  return wire.down.stream(path_of(wire).down, when, 0, random_);
}

VirtualNetwork::Break VirtualNetwork::break_off(ClientWire& wire, Instant now, bool server_open) {
  Break broken{now, std::nullopt};
  if (model_) {
    const ClientPath& path = path_of(wire);
    const bool silent = path.silent_share > 0 && random_.unit() < path.silent_share;
    if (server_open && !silent) broken.noticed = wire.up.stream(path.up, now, 0, random_);
    return broken;
  }
  broken.lost_after = now + milliseconds(uniform_.between(0, 20));
  if (server_open && !one_in(faults_.half_open_one_in)) {
    broken.noticed = broken.lost_after + milliseconds(uniform_.between(0, 2'000));
  }
  return broken;
}

Duration VirtualNetwork::request_delay() {
  return model_ ? model_->clients.front().up.delay : uniform_delay();
}

void VirtualNetwork::part(size_t one, size_t other, Instant until) {
  parted_until_[std::minmax(one, other)] = until;
}

Arrivals VirtualNetwork::datagram(const PeerPlace& from, const PeerPlace& to, Instant now,
                                  Instant sent, uint64_t bytes) {
  const auto parted = parted_until_.find(std::minmax(from.process, to.process));
  if (parted != parted_until_.end() && now < parted->second) return {};
  if (!model_) return uniform_datagram(sent);
  if (from.process != to.process) {
    return peers_[{from.engine, to.engine}].datagram(model_->peer, sent, bytes, random_);
  }
  Arrivals inside;
  inside.add(sent + model_->mailbox);
  return inside;
}

Arrivals VirtualNetwork::uniform_datagram(Instant sent) {
  Arrivals arrivals;
  if (one_in(faults_.peer_lost_one_in)) return arrivals;
  const int copies = one_in(faults_.peer_repeated_one_in) ? 2 : 1;
  for (int i = 0; i < copies; ++i) {
    Duration delay{uniform_.between(5'000, faults_.peer_delay_max.ns)};
    if (one_in(faults_.peer_stray_one_in)) delay = faults_.peer_stray_delay;
    arrivals.add(sent + delay);
  }
  return arrivals;
}

}  // namespace chat::sim
