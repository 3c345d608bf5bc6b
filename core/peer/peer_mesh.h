// PeerMesh: all PeerLinks of one engine, and the way of frames between engines.
// A frame to the engine itself goes through the same queue without being encoded. When a link ends
// – dead, the peer restarted, PeerDown – the peer is reported lost once and a new link begins with
// an empty frame, so that the other end learns of it even when there is nothing to say; whoever had
// something under way with it sends that again. Thread rule: belongs to its engine.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/engine/context.h"
#include "core/peer/peer_link.h"

namespace chat {

class PeerMesh {
 public:
  struct Arrived {
    EngineId from;
    std::unique_ptr<peer::Frame> frame;
  };

  explicit PeerMesh(EngineContext& context);
  ~PeerMesh();

  void post(EngineId to, peer::Frame&& frame);
  void receive(const std::string& datagram);
  /// The peer lives, as this incarnation.
  void peer_up(const EngineRef& peer);
  /// The peer stands in the ring: it lives, unless this incarnation is known to be gone.
  void peer_in_ring(const EngineRef& peer);
  /// This incarnation of the peer is gone; what still comes from it is ignored.
  void peer_down(const EngineRef& peer);

  /// Those that live, by ascending id.
  std::vector<EngineId> peers() const;

  /// The next frame to handle, in order of arrival.
  std::optional<Arrived> next();
  /// Engines whose link ended or began anew since the last call.
  std::vector<EngineId> take_lost();

  /// Emits the datagrams of this turn.
  void end_turn();
  /// When a turn is needed for the links; valid after end_turn().
  Instant next_wake() const;

 private:
  struct Peer {
    EngineRef ref;
    std::unique_ptr<PeerLink> link;
  };

  bool is_gone(const EngineRef& ref) const;
  void begin_link(Peer& peer);
  void deliver(EngineId from, const std::vector<std::string>& frames);

  EngineContext& context_;
  std::map<EngineId, Peer> peers_;
  std::map<EngineId, Incarnation> gone_;  ///< The last one of each engine that went down.
  std::deque<Arrived> arrived_;
  std::vector<EngineId> lost_;
  uint64_t links_begun_ = 0;
};

}  // namespace chat
