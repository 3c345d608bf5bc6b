#include "core/peer/peer_mesh.h"

#include <algorithm>

#include "core/wire/peer.pb.h"

namespace chat {

PeerMesh::PeerMesh(EngineContext& context) : context_(context) {}
PeerMesh::~PeerMesh() = default;

void PeerMesh::post(EngineId to, peer::Frame&& frame) {
  if (to == context_.self()) {
    arrived_.push_back({to, std::make_unique<peer::Frame>(std::move(frame))});
    return;
  }
  const auto found = peers_.find(to);
  if (found == peers_.end()) return;  // Gone: whoever needs an answer sends again when it is back.
  ++context_.counters.peer_frames_out;
  found->second.link->send(frame.SerializeAsString());
}

void PeerMesh::begin_link(Peer& peer) {
  // Incarnations grow, so links of a restarted engine are newer than all of its former life.
  PeerLinkOptions options;
  options.self = context_.options.self;
  options.peer = peer.ref;
  options.generation = (context_.options.self.incarnation.value << 20) + ++links_begun_;
  peer.link = std::make_unique<PeerLink>(options);
  peer.link->send(peer::Frame().SerializeAsString());
  lost_.push_back(peer.ref.id);
}

void PeerMesh::peer_up(const EngineRef& ref) {
  if (ref.id == context_.self()) return;
  if (is_gone(ref)) gone_.erase(ref.id);
  const auto [at, is_new] = peers_.try_emplace(ref.id, Peer{ref, nullptr});
  Peer& peer = at->second;
  if (!is_new && peer.ref.incarnation >= ref.incarnation) return;
  peer.ref = ref;
  begin_link(peer);
}

bool PeerMesh::is_gone(const EngineRef& ref) const {
  const auto gone = gone_.find(ref.id);
  return gone != gone_.end() && ref.incarnation <= gone->second;
}

void PeerMesh::peer_in_ring(const EngineRef& ref) {
  if (!is_gone(ref)) peer_up(ref);
}

void PeerMesh::peer_down(const EngineRef& ref) {
  Incarnation& gone = gone_[ref.id];
  gone = std::max(gone, ref.incarnation);
  const auto found = peers_.find(ref.id);
  if (found == peers_.end() || found->second.ref.incarnation > ref.incarnation) return;
  peers_.erase(found);
  ++context_.counters.peer_links_ended;
  lost_.push_back(ref.id);
}

std::vector<EngineId> PeerMesh::peers() const {
  std::vector<EngineId> ids;
  for (const auto& [id, peer] : peers_) ids.push_back(id);
  return ids;
}

void PeerMesh::receive(const std::string& datagram) {
  const auto header = PeerLink::peek(datagram);
  if (!header || header->to != context_.options.self || is_gone(header->from)) return;
  if (!peers_.contains(header->from.id)) peer_up(header->from);
  Peer& peer = peers_.at(header->from.id);
  if (header->from.incarnation < peer.ref.incarnation) return;
  if (header->from.incarnation > peer.ref.incarnation) peer_up(header->from);
  std::vector<std::string> frames;
  // A malformed datagram is one lost datagram: the peer sends it again.
  if (!peer.link->receive(context_.now, datagram, frames)) return;
  deliver(peer.ref.id, frames);
  if (!peer.link->ended()) return;
  ++context_.counters.peer_links_ended;
  begin_link(peer);
  frames.clear();
  if (peer.link->receive(context_.now, datagram, frames)) deliver(peer.ref.id, frames);
}

void PeerMesh::deliver(EngineId from, const std::vector<std::string>& frames) {
  for (const std::string& bytes : frames) {
    auto frame = std::make_unique<peer::Frame>();
    if (!frame->ParseFromString(bytes)) continue;
    ++context_.counters.peer_frames_in;
    arrived_.push_back({from, std::move(frame)});
  }
}

std::optional<PeerMesh::Arrived> PeerMesh::next() {
  if (arrived_.empty()) return std::nullopt;
  Arrived out = std::move(arrived_.front());
  arrived_.pop_front();
  return out;
}

std::vector<EngineId> PeerMesh::take_lost() { return std::exchange(lost_, {}); }

void PeerMesh::end_turn() {
  std::vector<std::string> datagrams;
  for (auto& [id, peer] : peers_) {
    datagrams.clear();
    peer.link->poll(context_.now, datagrams);
    for (std::string& datagram : datagrams) {
      context_.counters.peer_bytes_out += datagram.size();
      context_.emit(PeerSend{peer.ref, std::move(datagram)});
    }
    if (peer.link->ended()) {
      ++context_.counters.peer_links_ended;
      begin_link(peer);
    }
  }
}

Instant PeerMesh::next_wake() const {
  Instant wake = lost_.empty() ? kNever : context_.now;
  for (const auto& [id, peer] : peers_) wake = std::min(wake, peer.link->next_wake());
  return wake;
}

}  // namespace chat
