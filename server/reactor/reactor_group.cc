#include "server/reactor/reactor_group.h"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <thread>

#include "core/base/random.h"

namespace chat {
namespace {

/// Looks again and again; false when time ran out or there is a hurry.
template <class Condition>
bool wait_until(const Condition& condition, Duration at_most, const std::atomic<bool>& hurry) {
  const auto limit = std::chrono::steady_clock::now() + std::chrono::nanoseconds(at_most.ns);
  for (;;) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
    if (condition()) return true;
    if (hurry || std::chrono::steady_clock::now() > limit) return false;
  }
}

}  // namespace

Result<std::unique_ptr<ReactorGroup>> ReactorGroup::create(const ReactorGroupOptions& options,
                                                           ReactorServices& services) {
  auto group = std::unique_ptr<ReactorGroup>(new ReactorGroup(options.policy.limits));
  const size_t count = options.listen_descriptors.size();
  std::vector<EngineRef> engines;
  for (size_t i = 0; i < count; ++i) engines.push_back({EngineId{i + 1}, options.incarnation});
  std::vector<std::vector<DelayEntry>> delayed = share_delayed(options.delayed, engines);
  for (size_t i = 0; i < count; ++i) {
    ReactorOptions reactor;
    reactor.engine.self = engines[i];
    reactor.engine.seed = Random(options.seed).fork("engine", i).next();
    reactor.engine.store_epoch = options.store_epoch;
    reactor.engine.policy = options.policy;
    reactor.transport.listen_descriptor = options.listen_descriptors[i];
    reactor.transport.sockets_max = std::max<size_t>(1, options.sockets_max / count);
    reactor.transport.trusted_proxies = options.trusted_proxies;
    if (!delayed[i].empty()) {
      reactor.first_inputs.push_back(DelayLoaded{std::move(delayed[i])});
    }
    for (const EngineRef& peer : engines) {
      if (peer != engines[i]) reactor.first_inputs.push_back(PeerUp{peer});
    }
    reactor.first_inputs.push_back(RingChanged{engines});
    if (options.logs != nullptr) reactor.log = &options.logs->at(i);
    auto created = Reactor::create(std::move(reactor), services, *group);
    if (!created) {
      for (size_t rest = i + 1; rest < count; ++rest) close(options.listen_descriptors[rest]);
      return created.error();
    }
    group->reactors_.push_back(std::move(*created));
  }
  return group;
}

ReactorGroup::~ReactorGroup() { stop(); }

void ReactorGroup::start() {
  for (auto& reactor : reactors_) reactor->start();
}

bool ReactorGroup::drain(const Drain& order, Duration timeout, const std::atomic<bool>& hurry) {
  const auto sum_of = [this](uint64_t ReactorStats::*part) {
    uint64_t sum = 0;
    for (const auto& reactor : reactors_) sum += reactor->stats().*part;
    return sum;
  };
  const auto clients_gone = [&] { return sum_of(&ReactorStats::websockets) == 0; };
  const auto all_done = [&] {
    return clients_gone() && sum_of(&ReactorStats::store_outstanding) == 0 &&
           sum_of(&ReactorStats::delays_outstanding) == 0 &&
           sum_of(&ReactorStats::requests_outstanding) == 0;
  };
  tell_all(order);
  const Duration patience = reactors_.front()->engine_options().policy.go_away_patience;
  wait_until(clients_gone, order.window + patience, hurry);
  for (auto& reactor : reactors_) reactor->post([&reactor = *reactor] { reactor.drain(); });
  // Twice: the last answer of one reactor may just be on its way to another.
  return wait_until(all_done, timeout, hurry) && wait_until(all_done, timeout, hurry);
}

void ReactorGroup::stop() {
  for (auto& reactor : reactors_) reactor->stop();
}

void ReactorGroup::set_limits(const RuntimeLimits& limits) {
  // Told under the lock: two changes reach every engine in the same order.
  const std::lock_guard lock(limits_mutex_);
  limits_ = limits;
  tell_all(LimitsChanged{limits});
}

void ReactorGroup::tell_all(const Input& input) {
  for (auto& reactor : reactors_) {
    std::vector<Input> inputs{input};
    reactor->post_inputs(inputs);
  }
}

RuntimeLimits ReactorGroup::limits() const {
  const std::lock_guard lock(limits_mutex_);
  return limits_;
}

void ReactorGroup::deliver(EngineRef to, std::vector<Input>& datagrams) {
  for (auto& reactor : reactors_) {
    if (reactor->self() == to) return reactor->post_inputs(datagrams);
  }
  datagrams.clear();
}

}  // namespace chat
