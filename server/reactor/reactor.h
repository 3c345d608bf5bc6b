// Reactor: one thread with one transport and one engine; it runs the engine's turns on real time.
// It collects what is ready at a wake-up (sockets, mailbox, timers) into turns and executes the
// outputs; it decides nothing that core decides. Owns its thread, transport and engine; the
// services must outlive it. Thread rule: stated per function; "on the reactor" means inside its
// thread, e.g. in a posted task.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

#include "core/engine/engine.h"
#include "server/delay_log/delay_service.h"
#include "server/reactor/mailbox.h"
#include "server/reactor/turn_log.h"
#include "server/store/store_service.h"
#include "server/transport/transport.h"

namespace chat {

class Reactor;

/// What an engine's outputs need from the rest of the process. Functions are called on reactors, by
/// several at once.
class ReactorServices {
 public:
  virtual ~ReactorServices() = default;
  /// Executes a command elsewhere; the sink hears about it once.
  virtual void store(StoreToken token, StoreCommand command, StoreSink& sink) = 0;
  virtual void delay(DelayToken token, DelayCommand command, DelaySink& sink) = 0;
  /// Who an access token speaks for. Microseconds.
  virtual Result<Identity> verify(const std::string& token, WallTime now) = 0;
  /// Those of `users` that do not exist. Microseconds.
  virtual Result<std::vector<UserId>> missing_users(const std::vector<UserId>& users) = 0;
  /// An entry of the life-cycle journal; must not block.
  virtual void journal(const Journal& entry) = 0;
  /// A plain HTTP request; somebody answers it by Reactor::respond(), now or later.
  virtual void http(Reactor& reactor, HttpCall call) = 0;
};

/// Where datagrams to other engines go.
class PeerBus {
 public:
  virtual ~PeerBus() = default;
  /// Hands over PeerReceived inputs for `to` and leaves the list empty; drops them when nobody has
  /// that engine.
  virtual void deliver(EngineRef to, std::vector<Input>& datagrams) = 0;
};

struct ReactorOptions {
  EngineOptions engine;
  TransportOptions transport;
  std::vector<Input> first_inputs;  ///< Of the first turn: DelayLoaded, PeerUp, RingChanged.
  TurnLog* log = nullptr;           ///< Optional; must outlive the reactor.
};

struct ReactorStats {
  EngineCounters engine;
  uint64_t sockets = 0;  ///< WebSockets and HTTP.
  uint64_t websockets = 0;
  uint64_t store_outstanding = 0;     ///< Commands without an answer yet.
  uint64_t delays_outstanding = 0;    ///< Commands of the delay log without an answer yet.
  uint64_t requests_outstanding = 0;  ///< Requests of submit_request() without an answer yet.
  /// Of turns, with the execution of their outputs: their sum and the sum of their squares, from
  /// which mean and spread follow.
  double turn_time_s = 0;
  double turn_time_squared_s2 = 0;
};

class Reactor : public StoreSink, public DelaySink {
 public:
  using ResponseCallback = std::function<void(std::shared_ptr<const v1::Response>)>;

  /// Errors: as Transport::open().
  static Result<std::unique_ptr<Reactor>> create(ReactorOptions options, ReactorServices& services,
                                                 PeerBus& bus);
  ~Reactor() override;

  /// Starts the thread. Once.
  void start();
  /// Ends and joins the thread; callbacks that wait are dropped. From any thread but this one; may
  /// be repeated.
  void stop();

  /// Any thread: runs a task on the reactor, in order.
  void post(std::function<void()> task);
  /// Any thread: inputs for the engine, e.g. datagrams; leaves the list empty.
  void post_inputs(std::vector<Input>& inputs);
  /// Any thread: asks the engine; the callback runs on the reactor.
  void submit_request(std::shared_ptr<const v1::Request> request, ResponseCallback callback);
  /// Any thread: figures as of the end of the last turn.
  ReactorStats stats() const;
  void store_done(StoreToken token, StoreResult result) override;
  void delay_done(DelayToken token, Status status) override;

  /// On the reactor: answers an HttpCall.
  void respond(HttpId id, const HttpAnswer& answer) { transport_->respond(id, answer); }
  /// On the reactor: no new connections; those that are open get a close frame.
  void drain();

  EngineRef self() const { return options_.engine.self; }
  const EngineOptions& engine_options() const { return options_.engine; }

 private:
  Reactor(ReactorOptions options, ReactorServices& services, PeerBus& bus,
          std::unique_ptr<Transport> transport);

  void run();
  void take_mail();
  void run_turns();
  void run_turn(Instant now, size_t first, size_t last);
  void execute(Output& output, WallTime wall);
  void flush_datagrams();
  void answer(ResponseOutput& output);
  void publish_stats();

  ReactorOptions options_;
  ReactorServices& services_;
  PeerBus& bus_;
  std::unique_ptr<Transport> transport_;
  Engine engine_;

  Mailbox mailbox_;
  Mail mail_;
  TransportReady ready_;
  std::vector<Input> inputs_;  ///< Of the turns of this wake-up.
  std::vector<Input> later_;   ///< Made by outputs; of the next wake-up.
  std::vector<std::pair<EngineRef, std::vector<Input>>> datagrams_;
  Instant wake_at_ = kNever;
  uint64_t last_request_ = 0;
  uint64_t store_outstanding_ = 0;
  uint64_t delays_outstanding_ = 0;
  double turn_time_s_ = 0, turn_time_squared_s2_ = 0;
  std::unordered_map<uint64_t, ResponseCallback> callbacks_;
  bool stopping_ = false;

  mutable std::mutex stats_mutex_;
  ReactorStats stats_;
  std::thread thread_;
};

}  // namespace chat
