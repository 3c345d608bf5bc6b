// ReactorGroup: all reactors of a process and the bus between their engines. It numbers the
// engines, tells each of the others, and ends them in order. The services must outlive it. Thread
// rule: start, drain and stop from one thread; the rest from any.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "server/reactor/reactor.h"

namespace chat {

struct ReactorGroupOptions {
  std::vector<int> listen_descriptors;  ///< One per reactor; owned from here on.
  EnginePolicy policy;
  uint64_t store_epoch = 0;
  Incarnation incarnation;               ///< Of all engines; grows with every start.
  uint64_t seed = 1;                     ///< Each engine gets one of its own from it.
  size_t sockets_max = 19'000;           ///< Of all reactors together.
  std::vector<DelayEntry> delayed = {};  ///< What the DelayLog holds.
  AddressSet trusted_proxies = {};       ///< As TransportOptions.
  std::vector<TurnLog>* logs = nullptr;  ///< Optional; one per reactor.
};

class ReactorGroup : public PeerBus {
 public:
  static Result<std::unique_ptr<ReactorGroup>> create(const ReactorGroupOptions& options,
                                                      ReactorServices& services);
  ~ReactorGroup() override;

  void start();
  /// Sends every client away and waits until all have gone, or window and patience are over. Then
  /// stops accepting, closes what is left, and waits until all are closed and everything that was
  /// handed to the store is answered, at most `timeout`. Waits no longer once `hurry` is set. False
  /// when time ran out.
  bool drain(const Drain& order, Duration timeout, const std::atomic<bool>& hurry);
  void stop();

  /// Any thread: the same input for every engine.
  void tell_all(const Input& input);
  /// Any thread: the limits of every engine, from each one's next turn on until the process ends.
  void set_limits(const RuntimeLimits& limits);
  RuntimeLimits limits() const;

  size_t size() const { return reactors_.size(); }
  Reactor& at(size_t index) { return *reactors_[index]; }
  const Reactor& at(size_t index) const { return *reactors_[index]; }

  void deliver(EngineRef to, std::vector<Input>& datagrams) override;

 private:
  explicit ReactorGroup(const RuntimeLimits& limits) : limits_(limits) {}

  std::vector<std::unique_ptr<Reactor>> reactors_;
  mutable std::mutex limits_mutex_;
  RuntimeLimits limits_;
};

}  // namespace chat
