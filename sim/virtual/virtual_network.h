// VirtualNetwork: when things arrive. Clients' connections and the datagrams between engines each
// have a path; with a NetworkModel they behave as it says, without one delays are uniform and
// faults are one in n, as WorldFaults says. It carries no data and knows no queue: it answers with
// times. Thread rule: its world's thread.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <utility>

#include "core/base/ids.h"
#include "core/base/random.h"
#include "core/base/time.h"
#include "sim/scenario/virtual_setup.h"
#include "sim/virtual/network_path.h"
#include "sim/virtual/world_faults.h"

namespace chat::sim {

/// The path of one client's connection.
struct ClientWire {
  uint32_t kind = 0;  ///< Which of NetworkModel::clients.
  NetworkPath up;
  NetworkPath down;
};

/// A place of an engine, as far as the network cares.
struct PeerPlace {
  EngineId engine;
  size_t process = 0;
};

class VirtualNetwork {
 public:
  struct Opening {
    Instant server;  ///< When the server has the connection.
    Instant client;
  };
  struct Delivery {
    Instant taken;  ///< When the server's kernel has taken all of it.
    Instant arrives;
  };
  struct Break {
    Instant lost_after;              ///< What arrives at the server later is lost.
    std::optional<Instant> noticed;  ///< By the server, if it ever is.
  };

  /// `faults` outlives the network and may change; `uniform` is the world's and is drawn from when
  /// there is no model, `modelled` is drawn from by the model.
  VirtualNetwork(std::optional<NetworkModel> model, const WorldFaults& faults, Random& uniform,
                 Random modelled)
      : model_(std::move(model)), faults_(faults), uniform_(uniform), random_(modelled) {}

  /// A further kind of path, for connections from now on; there must be a model.
  uint32_t add_kind(const ClientPath& path);

  Opening open(ClientWire& wire, Instant now);
  /// Also, without bytes, when a server learns of an end.
  Instant to_server(ClientWire& wire, Instant sent, uint64_t bytes);
  Delivery to_client(ClientWire& wire, Instant written, uint64_t bytes);
  /// When a client learns of an end.
  Instant told_client(ClientWire& wire, Instant when);
  /// The connection breaks now. `server_open`: the server has it still.
  Break break_off(ClientWire& wire, Instant now, bool server_open);
  /// One way of a request of REST or admin, and of the news that nobody answers it.
  Duration request_delay();

  /// Two processes lose every datagram between them until then.
  void part(size_t one, size_t other, Instant until);
  /// What becomes of a datagram that is given at `now` and leaves at `sent`.
  Arrivals datagram(const PeerPlace& from, const PeerPlace& to, Instant now, Instant sent,
                    uint64_t bytes);

 private:
  const ClientPath& path_of(const ClientWire& wire) const { return model_->clients[wire.kind]; }
  Duration uniform_delay();
  Arrivals uniform_datagram(Instant sent);
  bool one_in(uint32_t n) { return n > 0 && uniform_.chance(1, n); }

  std::optional<NetworkModel> model_;
  const WorldFaults& faults_;
  Random& uniform_;
  Random random_;
  std::map<std::pair<EngineId, EngineId>, NetworkPath> peers_;  ///< From the first to the second.
  std::map<std::pair<size_t, size_t>, Instant> parted_until_;   ///< By processes, smaller first.
};

}  // namespace chat::sim
