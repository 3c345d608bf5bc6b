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
#include <string>
#include <utility>
#include <vector>

#include "core/base/digest.h"
#include "core/base/random.h"
#include "core/engine/engine.h"
#include "core/engine/io.h"
#include "core/store/chat_store.h"
#include "sim/virtual/occurrence_queue.h"
#include "sim/virtual/virtual_delay_log.h"
#include "sim/virtual/virtual_store.h"

namespace chat::sim {

/// What goes wrong, and how long things take. Probabilities are one in n; 0 = never.
struct WorldFaults {
  VirtualStoreFaults store;
  VirtualDelayFaults delay_log;
  Duration client_delay_max = milliseconds(20);
  Duration peer_delay_max = milliseconds(4);
  Duration peer_stray_delay = milliseconds(200);  ///< Of a datagram that others overtake.
  uint32_t peer_lost_one_in = 0;
  uint32_t peer_repeated_one_in = 0;
  uint32_t peer_stray_one_in = 0;
  Duration slow_reader =
      seconds(3);  ///< How long the kernel takes a Send that meets a slow reader.
  uint32_t slow_reader_one_in = 0;
  uint32_t half_open_one_in = 0;  ///< A dropped connection whose end the server is never told.
};

struct WorldOptions {
  uint64_t seed = 1;
  std::vector<int> engines_of_process = {1};
  EnginePolicy policy;
  WorldFaults faults;
  uint64_t users = 1'000;  ///< The accounts that exist: 1 … users.
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

/// The access token that the world's accounts accept for a user; it lasts for a day from each use.
std::string token_of(UserId user);
/// A token as servers make them: of a log-in, made and ending at fixed times (of world.wall()).
std::string token_of(UserId user, LoginId login, WallTime issued, WallTime expires);
std::string name_of(UserId user);

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
  /// Connects to a random engine that is up; the answer is on_open() or on_closed().
  LinkRef connect(LinkEnd& end, Encoding encoding);
  /// Connects to this engine.
  LinkRef connect_to(EngineId engine, LinkEnd& end, Encoding encoding);
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
  /// What the DelayLogs of all processes hold.
  size_t delayed_sends() const;
  /// Two processes lose every datagram between them for a while; nobody is told.
  void partition(size_t one, size_t other, Duration duration);
  size_t engines() const { return hosts_.size(); }
  /// An engine (0 … engines() − 1) is no home for a while: only the ring changes.
  void leave_ring(size_t engine, Duration duration);
  /// The operator changes limits: every engine is told, and later ones begin with them.
  void set_limits(const RuntimeLimits& limits);

  /// Over every output of every engine so far.
  uint64_t digest() const;
  uint64_t turns() const { return turns_; }
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
  LinkRef connect_to_host(Host* target, LinkEnd& end, Encoding encoding);
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
  Result<Identity> identity_of(const std::string& token) const;
  void check_users(EngineRef ref, const CheckUsers& ask, Instant when);
  void answer_request(Host& host, const ResponseOutput& output, Instant when);

  Link* find(LinkRef link);
  void forget_if_ended(LinkRef link);
  Duration client_delay();
  bool one_in(uint32_t n) { return n > 0 && random_.chance(1, n); }

  WorldOptions options_;
  std::string source_ = "virtual";
  OccurrenceQueue queue_;
  Random random_;
  VirtualStore store_;
  uint64_t store_epoch_;
  std::vector<std::unique_ptr<Node>> nodes_;  ///< By process.
  std::vector<std::unique_ptr<Host>> hosts_;  ///< By engine id − 1.
  std::map<LinkRef, Link> links_;
  std::map<std::pair<size_t, size_t>, Instant> parted_until_;  ///< By processes, smaller first.
  std::vector<AccountChanged> ended_logins_;
  uint64_t next_link_ = 1;
  uint64_t last_incarnation_ = 0;  ///< As chatd's: a wall time in µs.
  uint64_t next_request_ = 1;
  uint64_t turns_ = 0;
  std::vector<EngineCounters> ended_;  ///< Of the lives that ended.
};

}  // namespace chat::sim
