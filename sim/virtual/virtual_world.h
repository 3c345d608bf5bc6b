// VirtualWorld: the virtual driver. Engines grouped in processes, a network for clients (delay,
// order per connection, drops) and one for peer datagrams (delay, loss, repetition, another order),
// a store, accounts, and crashes; all in virtual time from one seed. It feeds engines by the turn
// contract of core/engine/engine.h: everything that came while an engine's modelled CPU was busy
// joins its next turn. Thread rule: one thread per world.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/base/digest.h"
#include "core/base/random.h"
#include "core/engine/engine.h"
#include "core/engine/io.h"
#include "core/store/chat_store.h"
#include "sim/scenario/virtual_setup.h"
#include "sim/virtual/occurrence_queue.h"
#include "sim/virtual/virtual_accounts.h"
#include "sim/virtual/virtual_delay_log.h"
#include "sim/virtual/virtual_network.h"
#include "sim/virtual/virtual_store.h"
#include "sim/virtual/world_faults.h"

namespace chat::sim {

struct WorldOptions {
  uint64_t seed = 1;
  std::vector<int> engines_of_process = {1};
  EnginePolicy policy;
  WorldFaults faults;
  CpuCosts cpu;                         ///< Of every engine.
  std::optional<NetworkModel> network;  ///< Without: the uniform delays and losses of `faults`.
  std::optional<DiskModel> disk;  ///< Of the store, and one for each process's delay log; without:
                                  ///< the uniform delays of `faults`.
  std::optional<Duration> account_check;  ///< Of a token or of users; without: up to 3 ms.
  uint64_t users = 1'000;                 ///< The accounts that exist: 1 … users.
  /// Changes messages of engines on their way to clients; for planted bugs only.
  std::function<void(std::string&)> tamper;
  /// Makes the delay log of a process; a MemoryDelayLog when empty.
  std::function<std::unique_ptr<DelayLog>()> make_delay_log;
  /// Called when a process has crashed and its writes were cut.
  std::function<void()> on_crash;
  /// Hears the life-cycle journal of all engines.
  std::function<void(const Journal&)> on_journal;
};

/// A connection to an engine, in the eyes of the client side; 0 is none.
using LinkRef = StrongId<struct LinkRefTag>;

/// The client's end of a connection. Outlives it.
class LinkEnd {
 public:
  virtual ~LinkEnd() = default;
  virtual void on_open() = 0;
  virtual void on_message(const std::string& bytes) = 0;
  /// Once, unless the client closed or dropped the connection itself.
  virtual void on_closed(CloseCode code) = 0;
};

class VirtualWorld {
 public:
  /// `store` outlives the world, and survives its crashes.
  VirtualWorld(WorldOptions options, ChatStore& store);
  ~VirtualWorld();
  VirtualWorld(const VirtualWorld&) = delete;
  VirtualWorld& operator=(const VirtualWorld&) = delete;

  Instant now() const { return queue_.now(); }
  WallTime wall() const;
  OccurrenceQueue& queue() { return queue_; }
  void run_until(Instant limit);
  void set_faults(const WorldFaults& faults);

  // -- clients

  /// The address that connections come from, from now on.
  void set_source(std::string address) { source_ = std::move(address); }
  /// A further kind of network path, for connect(); the world must have a model of the network.
  uint32_t add_path_kind(const ClientPath& path) { return network_.add_kind(path); }
  /// Connects to a random engine that is up; the answer is on_open() or on_closed(). `path_kind`
  /// is a number of NetworkModel::clients.
  LinkRef connect(LinkEnd& end, Encoding encoding, uint32_t path_kind = 0);
  /// Connects to this engine.
  LinkRef connect_to(EngineId engine, LinkEnd& end, Encoding encoding, uint32_t path_kind = 0);
  void send(LinkRef link, std::string bytes);
  /// Closes with a code, after everything sent before has arrived.
  void close(LinkRef link, CloseCode code);
  /// The network breaks: what is under way is lost, the server learns of it later.
  void drop(LinkRef link);

  // -- accounts

  /// Ends log-ins, as a log-out does: their tokens are refused from now on, and all engines are
  /// told.
  void end_logins(const AccountChanged& change);

  // -- requests of REST and admin, to a random engine; nullptr when it crashed meanwhile

  using ResponseHandler = std::function<void(const v1::Response*)>;
  void request(std::shared_ptr<const v1::Request> request, ResponseHandler handler);

  // -- processes

  size_t processes() const { return options_.engines_of_process.size(); }
  bool is_up(size_t process) const;
  /// The ring that every engine has, once all have been told.
  std::vector<EngineRef> homes() const;
  void crash(size_t process, Duration down_for);
  /// The engines of a process send their clients away, until its next crash.
  void drain(size_t process, const Drain& order);
  /// The store answers nobody for a while; commands run in their order afterwards.
  void stall_store(Duration duration) { store_.stall(duration); }
  /// Disks take `factor` times as long for a while, the store's and those of the delay logs.
  void slow_disk(double factor, Duration duration);
  /// A share of all store commands fails for a while, for certain.
  void fail_store(double share, Duration duration) { store_.fail(share, duration); }
  /// The wall clock of a process is wrong by so much more for a while.
  void skew_clock(size_t process, Duration by, Duration duration);
  /// What the DelayLogs of all processes hold.
  size_t delayed_sends() const;
  /// Two processes lose every datagram between them for a while; nobody is told.
  void partition(size_t one, size_t other, Duration duration) {
    network_.part(one, other, now() + duration);
  }
  size_t engines() const { return hosts_.size(); }
  /// An engine (0 … engines() − 1) is no home for a while: only the ring changes.
  void leave_ring(size_t engine, Duration duration);
  /// The operator changes limits: every engine is told, and later ones begin with them.
  void set_limits(const RuntimeLimits& limits);

  /// Over every output of every engine so far.
  uint64_t digest() const;
  uint64_t turns() const { return turns_; }
  /// What the processors of all engines were busy for so far, as modelled.
  Duration cpu_time() const { return cpu_time_; }
  /// The counters of every life of every engine so far, those that crashed included.
  std::vector<EngineCounters> counters() const;

 private:
  struct Host;
  struct Link;
  struct Node;

  Host& host(EngineRef ref) { return host(ref.id); }
  Host& host(EngineId id);
  Host* host_if_up(EngineRef ref);
  Host* random_host();
  LinkRef connect_to_host(Host* target, LinkEnd& end, Encoding encoding, uint32_t path_kind);
  void start(Host& host);
  void start_process(size_t process);
  void give(EngineRef ref, Instant when, Input input);
  void tell(Host& host, Input input, Duration delay);
  void tell_ring();
  void plan_turn(Host& host);
  void turn(EngineRef ref);
  void execute(Host& host, Output& output, Instant when);

  void send_to_client(Host& host, const chat::Send& send, Instant when);
  void close_by_server(Host& host, const Close& close, Instant when);
  void end_for_server(LinkRef link, CloseCode code);
  void end_for_client(LinkRef link, CloseCode code);
  void send_to_peer(const Host& by, const PeerSend& send, Instant when);
  void authenticate(EngineRef ref, const Authenticate& ask, Instant when);
  void check_users(EngineRef ref, const CheckUsers& ask, Instant when);
  void answer_request(Host& host, const ResponseOutput& output, Instant when);

  Link* find(LinkRef link);
  void forget_if_ended(LinkRef link);
  Duration account_delay();

  WorldOptions options_;
  std::string source_ = "virtual";
  OccurrenceQueue queue_;
  Random random_;
  Random cpu_random_;
  VirtualNetwork network_;
  VirtualAccounts accounts_;
  VirtualStore store_;
  uint64_t store_epoch_;
  std::vector<std::unique_ptr<Node>> nodes_;  ///< By process.
  std::vector<std::unique_ptr<Host>> hosts_;  ///< By engine id − 1.
  std::map<LinkRef, Link> links_;
  uint64_t next_link_ = 1;
  uint64_t last_incarnation_ = 0;  ///< As chatd's: a wall time in µs.
  uint64_t next_request_ = 1;
  uint64_t turns_ = 0;
  Duration cpu_time_;
  std::vector<EngineCounters> ended_;  ///< Of the lives that ended.
};

}  // namespace chat::sim
