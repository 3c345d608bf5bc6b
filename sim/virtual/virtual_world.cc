#include "sim/virtual/virtual_world.h"

#include <algorithm>

#include "core/base/assert.h"
#include "core/wire/chat.pb.h"
#include "sim/memory_store/memory_delay_log.h"
#include "sim/virtual/output_digest.h"
#include "sim/virtual/turn_cost.h"

namespace chat::sim {
namespace {

constexpr WallTime kWallOrigin{1'700'000'000'000};

}  // namespace

/// A place for an engine: what stays over its incarnations, and the engine while its process is up.
struct VirtualWorld::Host {
  EngineRef ref;
  size_t process = 0;
  std::unique_ptr<Engine> engine;
  bool in_ring = true;
  std::deque<Input> inputs;
  bool turn_planned = false;
  Instant busy_until;
  Instant told_until;  ///< Control inputs arrive in order.
  uint64_t wake_generation = 0;
  uint64_t next_conn = 1;
  Duration wall_skew;
  Digest digest;
  std::map<ConnId, LinkRef> links;
  std::map<RequestId, ResponseHandler> requests;
};

/// What a process has on its own disk.
struct VirtualWorld::Node {
  Node(OccurrenceQueue& queue, std::unique_ptr<DelayLog> log, Random random)
      : delay_log(std::move(log)), delays(queue, *delay_log, random) {}
  std::unique_ptr<DelayLog> delay_log;
  VirtualDelayLog delays;
};

struct VirtualWorld::Link {
  LinkEnd* end = nullptr;
  EngineRef engine;
  ConnId conn;
  bool client_open = true;  ///< The client has not been told of an end, and made none.
  bool server_open = true;  ///< The engine has not got Closed.
  Instant to_server;        ///< Arrival of the last thing that the client sent.
  Instant to_client;
  ClientWire wire;
  Instant lost_after = kNever;  ///< What arrives at the server later is lost.
};

VirtualWorld::VirtualWorld(WorldOptions options, ChatStore& store)
    : options_(std::move(options)),
      random_(Random(options_.seed).fork("world")),
      cpu_random_(Random(options_.seed).fork("cpu")),
      network_(options_.network, options_.faults, random_, Random(options_.seed).fork("network")),
      accounts_(options_.users),
      store_(queue_, store, Random(options_.seed).fork("store")),
      store_epoch_(store.epoch()) {
  store_.set_faults(options_.faults.store);
  if (options_.disk) store_.set_disk(*options_.disk, Random(options_.seed).fork("disk"));
  for (size_t process = 0; process < options_.engines_of_process.size(); ++process) {
    auto log =
        options_.make_delay_log ? options_.make_delay_log() : std::make_unique<MemoryDelayLog>();
    nodes_.push_back(std::make_unique<Node>(queue_, std::move(log),
                                            Random(options_.seed).fork("delay log", process)));
    nodes_.back()->delays.set_faults(options_.faults.delay_log);
    if (options_.disk) {
      nodes_.back()->delays.set_disk(*options_.disk,
                                     Random(options_.seed).fork("delay disk", process));
    }
    for (int i = 0; i < options_.engines_of_process[process]; ++i) {
      auto host = std::make_unique<Host>();
      host->ref.id = EngineId{hosts_.size() + 1};
      host->process = process;
      host->wall_skew = milliseconds(random_.between(-300, 300));
      hosts_.push_back(std::move(host));
    }
  }
  for (size_t process = 0; process < processes(); ++process) start_process(process);
  tell_ring();
}

VirtualWorld::~VirtualWorld() = default;

WallTime VirtualWorld::wall() const { return kWallOrigin + (now() - Instant{}); }

void VirtualWorld::run_until(Instant limit) {
  while (queue_.run_next(limit)) {
  }
}

void VirtualWorld::set_faults(const WorldFaults& faults) {
  options_.faults = faults;
  store_.set_faults(faults.store);
  for (auto& node : nodes_) node->delays.set_faults(faults.delay_log);
}

uint64_t VirtualWorld::digest() const {
  Digest digest;
  for (const auto& host : hosts_) digest.add(host->digest.value());
  return digest.value();
}

std::vector<EngineCounters> VirtualWorld::counters() const {
  std::vector<EngineCounters> counters = ended_;
  for (const auto& host : hosts_) {
    if (host->engine) counters.push_back(host->engine->counters());
  }
  return counters;
}

// ---------------------------------------------------------------- engines and processes

VirtualWorld::Host& VirtualWorld::host(EngineId id) { return *hosts_[id.value - 1]; }

VirtualWorld::Host* VirtualWorld::host_if_up(EngineRef ref) {
  Host& found = host(ref);
  return found.engine && found.ref == ref ? &found : nullptr;
}

VirtualWorld::Host* VirtualWorld::random_host() {
  std::vector<Host*> up;
  for (auto& candidate : hosts_) {
    if (candidate->engine) up.push_back(candidate.get());
  }
  return up.empty() ? nullptr : up[random_.below(up.size())];
}

bool VirtualWorld::is_up(size_t process) const {
  return std::any_of(hosts_.begin(), hosts_.end(), [&](const auto& candidate) {
    return candidate->process == process && candidate->engine;
  });
}

std::vector<EngineRef> VirtualWorld::homes() const {
  std::vector<EngineRef> homes;
  for (const auto& candidate : hosts_) {
    if (candidate->engine && candidate->in_ring) homes.push_back(candidate->ref);
  }
  return homes;
}

void VirtualWorld::start(Host& started) {
  last_incarnation_ = std::max(last_incarnation_ + 1, static_cast<uint64_t>(wall().ms) * 1'000);
  started.ref.incarnation = Incarnation{last_incarnation_};
  EngineOptions engine;
  engine.self = started.ref;
  engine.seed = random_.next();
  engine.store_epoch = store_epoch_;
  engine.policy = options_.policy;
  started.engine = std::make_unique<Engine>(engine);
  started.busy_until = started.told_until = now();
  for (auto& other : hosts_) {
    if (!other->engine || other.get() == &started) continue;
    tell(*other, PeerUp{started.ref}, milliseconds(random_.between(0, 50)));
    tell(started, PeerUp{other->ref}, milliseconds(random_.between(0, 5)));
  }
}

void VirtualWorld::start_process(size_t process) {
  std::vector<EngineRef> engines;
  for (auto& starting : hosts_) {
    if (starting->process != process || starting->engine) continue;
    start(*starting);
    engines.push_back(starting->ref);
  }
  if (engines.empty()) return;
  auto shares = share_delayed(nodes_[process]->delay_log->load().value(), engines);
  for (size_t i = 0; i < engines.size(); ++i) {
    if (!shares[i].empty()) tell(host(engines[i]), DelayLoaded{std::move(shares[i])}, {});
  }
}

size_t VirtualWorld::delayed_sends() const {
  size_t sends = 0;
  for (const auto& node : nodes_) sends += node->delay_log->load().value().size();
  return sends;
}

void VirtualWorld::tell_ring() {
  const RingChanged ring{homes()};
  for (auto& candidate : hosts_) {
    if (candidate->engine) tell(*candidate, ring, milliseconds(random_.between(0, 100)));
  }
}

void VirtualWorld::crash(size_t process, Duration down_for) {
  std::vector<EngineRef> gone;
  for (auto& crashed : hosts_) {
    if (crashed->process != process || !crashed->engine) continue;
    gone.push_back(crashed->ref);
    ended_.push_back(crashed->engine->counters());
    crashed->engine.reset();
    crashed->inputs.clear();
    crashed->turn_planned = false;
    store_.crash(crashed->ref);
    for (auto& [conn, link] : std::exchange(crashed->links, {})) {
      Link* lost = find(link);
      lost->server_open = false;
      const Instant when = std::max(network_.told_client(lost->wire, now()), lost->to_client);
      queue_.at(when, [this, ref = link] { end_for_client(ref, CloseCode::abnormal); });
    }
    for (auto& [id, handler] : std::exchange(crashed->requests, {})) {
      queue_.after(network_.request_delay(), [answer = std::move(handler)] { answer(nullptr); });
    }
  }
  if (gone.empty()) return;
  nodes_[process]->delays.crash();
  if (options_.on_crash) options_.on_crash();
  for (auto& other : hosts_) {
    if (!other->engine) continue;
    const Duration noticed = milliseconds(random_.between(5, 3'000));
    for (EngineRef ref : gone) tell(*other, PeerDown{ref}, noticed);
  }
  tell_ring();
  queue_.after(down_for, [this, process] {
    start_process(process);
    tell_ring();
  });
}

void VirtualWorld::slow_disk(double factor, Duration duration) {
  store_.slow_down(factor, duration);
  for (auto& node : nodes_) node->delays.slow_down(factor, duration);
}

void VirtualWorld::skew_clock(size_t process, Duration by, Duration duration) {
  const auto skew = [this, process](Duration more) {
    for (auto& skewed : hosts_) {
      if (skewed->process == process) skewed->wall_skew = skewed->wall_skew + more;
    }
  };
  skew(by);
  queue_.after(duration, [skew, by] { skew(by * -1); });
}

void VirtualWorld::set_limits(const RuntimeLimits& limits) {
  options_.policy.limits = limits;
  for (auto& candidate : hosts_) {
    if (candidate->engine) tell(*candidate, LimitsChanged{limits}, {});
  }
}

void VirtualWorld::leave_ring(size_t engine, Duration duration) {
  hosts_[engine]->in_ring = false;
  tell_ring();
  queue_.after(duration, [this, engine] {
    hosts_[engine]->in_ring = true;
    tell_ring();
  });
}

void VirtualWorld::tell(Host& told, Input input, Duration delay) {
  told.told_until = std::max(told.told_until, now() + delay);
  give(told.ref, told.told_until, std::move(input));
}

// ---------------------------------------------------------------- turns

void VirtualWorld::give(EngineRef ref, Instant when, Input input) {
  queue_.at(when, [this, ref, given = std::make_shared<Input>(std::move(input))] {
    Host* target = host_if_up(ref);
    if (target == nullptr) return;
    target->inputs.push_back(std::move(*given));
    plan_turn(*target);
  });
}

void VirtualWorld::plan_turn(Host& planned) {
  if (planned.turn_planned) return;
  planned.turn_planned = true;
  queue_.at(std::max(now(), planned.busy_until), [this, ref = planned.ref] { turn(ref); });
}

void VirtualWorld::turn(EngineRef ref) {
  Host* target = host_if_up(ref);
  if (target == nullptr) return;
  Host& taken = *target;
  taken.turn_planned = false;
  ++turns_;
  const size_t count = std::min<size_t>(taken.inputs.size(), Engine::kTurnInputsMax);
  TurnCost cost(options_.cpu, now(), cpu_random_);
  taken.engine->begin_turn(now(), wall() + taken.wall_skew);
  for (size_t i = 0; i < count; ++i) {
    cost.add(taken.inputs.front());
    taken.engine->handle(std::move(taken.inputs.front()));
    taken.inputs.pop_front();
  }
  taken.engine->end_turn();
  for (Output output; taken.engine->poll(output);) {
    add_output(taken.digest, output);
    cost.add(output);
    execute(taken, output, cost.until());
  }
  taken.busy_until = cost.until();
  cpu_time_ = cpu_time_ + (cost.until() - now());
  if (!taken.inputs.empty()) plan_turn(taken);
}

void VirtualWorld::execute(Host& by, Output& output, Instant when) {
  const EngineRef ref = by.ref;
  if (auto* send = std::get_if<chat::Send>(&output)) {
    send_to_client(by, *send, when);
  } else if (auto* close = std::get_if<Close>(&output)) {
    close_by_server(by, *close, when);
  } else if (auto* peer = std::get_if<PeerSend>(&output)) {
    send_to_peer(by, *peer, when);
  } else if (auto* store = std::get_if<Store>(&output)) {
    store_.execute(ref, std::move(*store),
                   [this, ref](StoreDone done) { give(ref, now(), std::move(done)); });
  } else if (auto* delay = std::get_if<Delay>(&output)) {
    nodes_[by.process]->delays.execute(
        std::move(*delay), [this, ref](DelayDone done) { give(ref, now(), std::move(done)); });
  } else if (auto* authentication = std::get_if<Authenticate>(&output)) {
    authenticate(ref, *authentication, when);
  } else if (auto* users = std::get_if<CheckUsers>(&output)) {
    check_users(ref, *users, when);
  } else if (auto* wake = std::get_if<WakeAt>(&output)) {
    const uint64_t generation = ++by.wake_generation;
    if (wake->at == kNever) return;
    queue_.at(std::max(wake->at, when), [this, ref, generation] {
      Host* woken = host_if_up(ref);
      if (woken != nullptr && woken->wake_generation == generation) plan_turn(*woken);
    });
  } else if (const auto* entry = std::get_if<Journal>(&output)) {
    if (options_.on_journal) options_.on_journal(*entry);
  } else {
    answer_request(by, std::get<ResponseOutput>(output), when);
  }
}

void VirtualWorld::send_to_peer(const Host& by, const PeerSend& send, Instant when) {
  const PeerPlace from{by.ref.id, by.process}, to{send.to.id, host(send.to.id).process};
  // A datagram goes to a place; whichever incarnation lives there by then has to look at it.
  for (Instant arrival : network_.datagram(from, to, now(), when, send.datagram.size())) {
    queue_.at(arrival, [this, id = send.to.id, datagram = send.datagram] {
      Host& target = host(id);
      if (target.engine) give(target.ref, now(), PeerReceived{datagram});
    });
  }
}

void VirtualWorld::authenticate(EngineRef ref, const Authenticate& ask, Instant when) {
  // Checked when it is answered: an engine hears of the end of a log-in after every check that did
  // not know of it.
  queue_.at(when + account_delay(), [this, ref, ask] {
    give(ref, now(), AuthDone{ask.token, accounts_.identity_of(ask.credentials, wall())});
  });
}

Duration VirtualWorld::account_delay() {
  if (options_.account_check) return *options_.account_check;
  return Duration{random_.between(1'000, 3'000'000)};
}

void VirtualWorld::end_logins(const AccountChanged& change) {
  accounts_.end_logins(change);
  for (auto& told : hosts_) {
    if (told->engine) tell(*told, change, milliseconds(random_.between(0, 50)));
  }
}

void VirtualWorld::drain(size_t process, const Drain& order) {
  for (auto& drained : hosts_) {
    if (drained->process == process && drained->engine) give(drained->ref, now(), order);
  }
}

void VirtualWorld::check_users(EngineRef ref, const CheckUsers& ask, Instant when) {
  give(ref, when + account_delay(), AccountDone{ask.token, accounts_.missing(ask.users)});
}

void VirtualWorld::request(std::shared_ptr<const v1::Request> request, ResponseHandler handler) {
  Host* target = random_host();
  if (target == nullptr) {
    queue_.after(network_.request_delay(), [answer = std::move(handler)] { answer(nullptr); });
    return;
  }
  const RequestId id{next_request_++};
  target->requests.emplace(id, std::move(handler));
  give(target->ref, now() + network_.request_delay(), RequestInput{id, std::move(request)});
}

void VirtualWorld::answer_request(Host& by, const ResponseOutput& output, Instant when) {
  auto node = by.requests.extract(output.id);
  CHAT_ASSERT(!node.empty());
  queue_.at(when, [answer = std::move(node.mapped()), response = output.response] {
    answer(response.get());
  });
}

// ---------------------------------------------------------------- connections

VirtualWorld::Link* VirtualWorld::find(LinkRef link) {
  const auto found = links_.find(link);
  return found == links_.end() ? nullptr : &found->second;
}

void VirtualWorld::forget_if_ended(LinkRef link) {
  const auto found = links_.find(link);
  if (found == links_.end() || found->second.client_open || found->second.server_open) return;
  links_.erase(found);
}

LinkRef VirtualWorld::connect(LinkEnd& end, Encoding encoding, uint32_t path_kind) {
  return connect_to_host(random_host(), end, encoding, path_kind);
}

LinkRef VirtualWorld::connect_to(EngineId engine, LinkEnd& end, Encoding encoding,
                                 uint32_t path_kind) {
  Host& target = *hosts_[engine.value - 1];
  return connect_to_host(target.engine ? &target : nullptr, end, encoding, path_kind);
}

LinkRef VirtualWorld::connect_to_host(Host* target, LinkEnd& end, Encoding encoding,
                                      uint32_t path_kind) {
  const LinkRef ref{next_link_++};
  Link& link = links_[ref];
  link.end = &end;
  link.wire.kind = path_kind;
  const auto [server, client] = network_.open(link.wire, now());
  if (target == nullptr) {
    link.server_open = false;
    queue_.at(client, [this, ref] { end_for_client(ref, CloseCode::abnormal); });
    return ref;
  }
  link.engine = target->ref;
  link.conn = ConnId{target->next_conn++};
  link.to_server = server;
  link.to_client = client;
  target->links[link.conn] = ref;
  give(link.engine, server, Opened{link.conn, encoding, source_});
  queue_.at(client, [this, ref] {
    Link* opened = find(ref);
    if (opened != nullptr && opened->client_open && opened->server_open) opened->end->on_open();
  });
  return ref;
}

void VirtualWorld::send(LinkRef ref, std::string bytes) {
  Link* link = find(ref);
  if (link == nullptr || !link->client_open) return;
  link->to_server = std::max(link->to_server, network_.to_server(link->wire, now(), bytes.size()));
  queue_.at(link->to_server, [this, ref, carried = std::move(bytes)]() mutable {
    Link* open = find(ref);
    if (open == nullptr || !open->server_open || now() > open->lost_after) return;
    give(open->engine, now(), Received{open->conn, std::move(carried)});
  });
}

void VirtualWorld::close(LinkRef ref, CloseCode code) {
  Link* link = find(ref);
  if (link == nullptr || !link->client_open) return;
  link->client_open = false;
  link->to_server = std::max(link->to_server, network_.to_server(link->wire, now(), 0));
  queue_.at(link->to_server, [this, ref, code] { end_for_server(ref, code); });
  forget_if_ended(ref);
}

void VirtualWorld::drop(LinkRef ref) {
  Link* link = find(ref);
  if (link == nullptr || !link->client_open) return;
  link->client_open = false;
  const auto [lost_after, noticed] = network_.break_off(link->wire, now(), link->server_open);
  link->lost_after = lost_after;
  if (noticed) {
    queue_.at(*noticed, [this, ref] { end_for_server(ref, CloseCode::abnormal); });
  }
  forget_if_ended(ref);
}

void VirtualWorld::send_to_client(Host& by, const chat::Send& send, Instant when) {
  const auto found = by.links.find(send.conn);
  if (found == by.links.end()) return;
  const LinkRef ref = found->second;
  Link& link = *find(ref);
  const auto [taken, arrives] = network_.to_client(link.wire, when, send.bytes->size());
  link.to_client = std::max(link.to_client, arrives);
  queue_.at(link.to_client, [this, ref, bytes = send.bytes] {
    Link* open = find(ref);
    if (open == nullptr || !open->client_open) return;
    if (!options_.tamper) return open->end->on_message(*bytes);
    std::string changed = *bytes;
    options_.tamper(changed);
    open->end->on_message(changed);
  });
  queue_.at(taken, [this, ref] {
    Link* open = find(ref);
    if (open != nullptr && open->server_open) give(open->engine, now(), Sent{open->conn});
  });
}

void VirtualWorld::close_by_server(Host& by, const Close& close, Instant when) {
  const auto found = by.links.find(close.conn);
  if (found == by.links.end()) return;
  const LinkRef ref = found->second;
  Link& link = *find(ref);
  link.to_client = std::max(link.to_client, network_.told_client(link.wire, when));
  queue_.at(link.to_client, [this, ref, code = close.code] { end_for_client(ref, code); });
  queue_.at(network_.to_server(link.wire, when, 0),
            [this, ref, code = close.code] { end_for_server(ref, code); });
}

void VirtualWorld::end_for_server(LinkRef ref, CloseCode code) {
  Link* link = find(ref);
  if (link == nullptr || !link->server_open) return;
  link->server_open = false;
  host(link->engine).links.erase(link->conn);
  give(link->engine, now(), Closed{link->conn, code});
  forget_if_ended(ref);
}

void VirtualWorld::end_for_client(LinkRef ref, CloseCode code) {
  Link* link = find(ref);
  if (link == nullptr || !link->client_open) return;
  link->client_open = false;
  LinkEnd* end = link->end;
  forget_if_ended(ref);
  end->on_closed(code);
}

}  // namespace chat::sim
