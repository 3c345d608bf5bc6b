#include "server/reactor/reactor.h"

#include <pthread.h>

#include <algorithm>
#include <string>

#include "core/base/assert.h"
#include "server/reactor/clock.h"

namespace chat {
namespace {

/// Also the longest sleep without a timer; nothing depends on it.
constexpr Duration kLongestWait = minutes(1);

template <class... Functions>
struct Overloaded : Functions... {
  using Functions::operator()...;
};
template <class... Functions>
Overloaded(Functions...) -> Overloaded<Functions...>;

}  // namespace

Result<std::unique_ptr<Reactor>> Reactor::create(ReactorOptions options, ReactorServices& services,
                                                 PeerBus& bus) {
  options.transport.frame_bytes_max = options.engine.policy.frame_bytes_max;
  auto transport = Transport::open(options.transport);
  if (!transport) return transport.error();
  return std::unique_ptr<Reactor>(
      new Reactor(std::move(options), services, bus, std::move(*transport)));
}

Reactor::Reactor(ReactorOptions options, ReactorServices& services, PeerBus& bus,
                 std::unique_ptr<Transport> transport)
    : options_(std::move(options)),
      services_(services),
      bus_(bus),
      transport_(std::move(transport)),
      engine_(options_.engine),
      later_(std::move(options_.first_inputs)) {}

Reactor::~Reactor() { stop(); }

void Reactor::start() {
  CHAT_ASSERT(!thread_.joinable());
  thread_ = std::thread([this] { run(); });
  const std::string name = "reactor-" + std::to_string(options_.engine.self.id.value);
  pthread_setname_np(thread_.native_handle(), name.substr(0, 15).c_str());
}

void Reactor::stop() {
  if (!thread_.joinable()) return;
  post([this] { stopping_ = true; });
  thread_.join();
}

void Reactor::post(std::function<void()> task) {
  if (mailbox_.push(std::move(task))) transport_->wake();
}

void Reactor::post_inputs(std::vector<Input>& inputs) {
  if (mailbox_.push(inputs)) transport_->wake();
}

void Reactor::submit_request(std::shared_ptr<const v1::Request> request,
                             ResponseCallback callback) {
  post([this, request = std::move(request), callback = std::move(callback)]() mutable {
    const RequestId id{++last_request_};
    callbacks_.emplace(id.value, std::move(callback));
    inputs_.push_back(RequestInput{id, std::move(request)});
  });
}

void Reactor::store_done(StoreToken token, StoreResult result) {
  if (mailbox_.push(StoreDone{token, std::move(result)})) transport_->wake();
}

void Reactor::delay_done(DelayToken token, Status status) {
  if (mailbox_.push(DelayDone{token, std::move(status)})) transport_->wake();
}

ReactorStats Reactor::stats() const {
  const std::lock_guard lock(stats_mutex_);
  return stats_;
}

void Reactor::drain() {
  transport_->stop_accepting();
  transport_->close_all(CloseCode::drain, "the server ends");
}

// ---------------------------------------------------------------- the thread

void Reactor::run() {
  while (!stopping_) {
    Duration at_most = kLongestWait;
    if (!later_.empty()) {
      at_most = Duration{};
    } else if (wake_at_ != kNever) {
      at_most = std::min(at_most, wake_at_ - monotonic_now());
    }
    transport_->wait(at_most, ready_);
    inputs_.swap(later_);
    std::move(ready_.inputs.begin(), ready_.inputs.end(), std::back_inserter(inputs_));
    ready_.inputs.clear();
    for (HttpCall& call : ready_.calls) services_.http(*this, std::move(call));
    ready_.calls.clear();
    take_mail();
    run_turns();
    publish_stats();
  }
}

void Reactor::take_mail() {
  mailbox_.drain(mail_);
  for (const Input& input : mail_.inputs) {
    if (std::holds_alternative<StoreDone>(input)) --store_outstanding_;
    if (std::holds_alternative<DelayDone>(input)) --delays_outstanding_;
  }
  std::move(mail_.inputs.begin(), mail_.inputs.end(), std::back_inserter(inputs_));
  mail_.inputs.clear();
  for (const auto& task : mail_.tasks) task();
  mail_.tasks.clear();
}

void Reactor::run_turns() {
  size_t done = 0;
  while (true) {
    const Instant now = monotonic_now();
    if (done == inputs_.size() && wake_at_ > now) break;
    const size_t last = std::min(inputs_.size(), done + Engine::kTurnInputsMax);
    run_turn(now, done, last);
    done = last;
  }
  inputs_.clear();
}

void Reactor::run_turn(Instant now, size_t first, size_t last) {
  const WallTime wall = wall_now();
  TurnRecord* record = nullptr;
  if (options_.log != nullptr) {
    record = &options_.log->turns.emplace_back(TurnRecord{now, wall, {}, {}});
    record->inputs.assign(inputs_.begin() + static_cast<ptrdiff_t>(first),
                          inputs_.begin() + static_cast<ptrdiff_t>(last));
  }
  if (wake_at_ <= now) wake_at_ = kNever;
  engine_.begin_turn(now, wall);
  for (size_t i = first; i < last; ++i) engine_.handle(std::move(inputs_[i]));
  engine_.end_turn();
  Output output;
  while (engine_.poll(output)) {
    if (record != nullptr) record->outputs.push_back(output);
    execute(output, wall);
  }
  flush_datagrams();
  const double turn_time_s = (monotonic_now() - now).seconds();
  turn_time_s_ += turn_time_s;
  turn_time_squared_s2_ += turn_time_s * turn_time_s;
}

void Reactor::execute(Output& output, WallTime wall) {
  std::visit(Overloaded{
                 [this](Send& send) { transport_->send(send.conn, send.bytes); },
                 [this](Close& close) { transport_->close(close.conn, close.code, close.reason); },
                 [this](PeerSend& send) {
                   const auto found =
                       std::find_if(datagrams_.begin(), datagrams_.end(),
                                    [&send](const auto& batch) { return batch.first == send.to; });
                   auto& batch =
                       found != datagrams_.end()
                           ? found->second
                           : datagrams_.emplace_back(send.to, std::vector<Input>{}).second;
                   batch.push_back(PeerReceived{std::move(send.datagram)});
                 },
                 [this](Store& store) {
                   ++store_outstanding_;
                   services_.store(store.token, std::move(store.command), *this);
                 },
                 [this](Delay& delay) {
                   ++delays_outstanding_;
                   services_.delay(delay.token, std::move(delay.command), *this);
                 },
                 [this, wall](Authenticate& ask) {
                   later_.push_back(AuthDone{ask.token, services_.verify(ask.credentials, wall)});
                 },
                 [this](CheckUsers& ask) {
                   later_.push_back(AccountDone{ask.token, services_.missing_users(ask.users)});
                 },
                 [this](WakeAt& wake) { wake_at_ = wake.at; },
                 [this](ResponseOutput& response) { answer(response); },
                 [this](Journal& entry) { services_.journal(entry); },
             },
             output);
}

void Reactor::flush_datagrams() {
  for (auto& [to, batch] : datagrams_) {
    if (!batch.empty()) bus_.deliver(to, batch);
  }
}

void Reactor::answer(ResponseOutput& output) {
  const auto found = callbacks_.find(output.id.value);
  if (found == callbacks_.end()) return;
  const ResponseCallback callback = std::move(found->second);
  callbacks_.erase(found);
  callback(std::move(output.response));
}

void Reactor::publish_stats() {
  const std::lock_guard lock(stats_mutex_);
  stats_.engine = engine_.counters();
  stats_.sockets = transport_->sockets();
  stats_.websockets = transport_->websockets();
  stats_.store_outstanding = store_outstanding_;
  stats_.delays_outstanding = delays_outstanding_;
  stats_.requests_outstanding = callbacks_.size();
  stats_.turn_time_s = turn_time_s_;
  stats_.turn_time_squared_s2 = turn_time_squared_s2_;
}

}  // namespace chat
