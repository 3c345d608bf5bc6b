#include "sim/live/login_pool.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <utility>

#include "sim/live/http_client.h"
#include "sim/live/rest_accounts.h"

namespace chat::sim {
namespace {

constexpr int kThreads = 4;

}  // namespace

LoginPool::LoginPool(const Roster& roster, const Endpoint& endpoint)
    : roster_(roster), event_fd_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)), endpoint_(endpoint) {
  for (int i = 0; i < kThreads; ++i) threads_.emplace_back([this] { run(); });
}

LoginPool::~LoginPool() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  for (std::thread& thread : threads_) thread.join();
  ::close(event_fd_);
}

void LoginPool::request(uint32_t user) {
  {
    const std::lock_guard lock(mutex_);
    requests_.push_back(user);
  }
  wake_.notify_one();
}

std::vector<LoginPool::Answer> LoginPool::take() {
  uint64_t ignored = 0;
  [[maybe_unused]] const ssize_t got = ::read(event_fd_, &ignored, sizeof ignored);
  const std::lock_guard lock(mutex_);
  return std::exchange(answers_, {});
}

void LoginPool::set_endpoint(const Endpoint& endpoint) {
  const std::lock_guard lock(mutex_);
  endpoint_ = endpoint;
}

void LoginPool::run() {
  HttpClient http(endpoint_);
  std::unique_lock lock(mutex_);
  for (;;) {
    wake_.wait(lock, [this] { return stopping_ || !requests_.empty(); });
    if (stopping_) return;
    const uint32_t user = requests_.front();
    requests_.pop_front();
    http.set_endpoint(endpoint_);
    lock.unlock();
    Answer answer{.user = user};
    auto logged_in = log_in(http, roster_.email(user), roster_.password());
    if (logged_in) {
      answer.token = std::move(logged_in->token);
    } else {
      answer.token = logged_in.error();
    }
    lock.lock();
    answers_.push_back(std::move(answer));
    const uint64_t one = 1;
    [[maybe_unused]] const ssize_t put = ::write(event_fd_, &one, sizeof one);
  }
}

}  // namespace chat::sim
