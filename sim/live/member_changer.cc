#include "sim/live/member_changer.h"

#include <fmt/format.h>

#include <chrono>
#include <utility>

#include "sim/live/admin_client.h"
#include "sim/live/clock.h"

namespace chat::sim {
namespace {

constexpr Duration kTimeout = seconds(10);
constexpr Duration kRetryDelay = milliseconds(200);

}  // namespace

MemberChanger::MemberChanger(const Roster& roster, const Endpoint& admin)
    : roster_(roster), admin_(admin), thread_([this] { run(); }) {}

MemberChanger::~MemberChanger() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  thread_.join();
}

void MemberChanger::remove(uint32_t chat, uint32_t user, Instant at) {
  put(at, fmt::format(R"({{"members":{{"chat":"{}","remove":[{}]}}}})", roster_.chat_name(chat),
                      roster_.user_id(user).value));
}

void MemberChanger::add(uint32_t chat, uint32_t user, Instant at) {
  put(at, fmt::format(R"({{"members":{{"chat":"{}","add":[{}]}}}})", roster_.chat_name(chat),
                      roster_.user_id(user).value));
}

void MemberChanger::put(Instant at, std::string line) {
  {
    const std::lock_guard lock(mutex_);
    changes_.emplace(at, std::move(line));
  }
  wake_.notify_one();
}

void MemberChanger::hurry() {
  {
    const std::lock_guard lock(mutex_);
    hurried_ = true;
  }
  wake_.notify_one();
}

size_t MemberChanger::waiting() {
  const std::lock_guard lock(mutex_);
  return changes_.size();
}

std::string MemberChanger::last_error() {
  const std::lock_guard lock(mutex_);
  return last_error_;
}

void MemberChanger::set_endpoint(const Endpoint& admin) {
  const std::lock_guard lock(mutex_);
  admin_ = admin;
}

void MemberChanger::run() {
  std::unique_lock lock(mutex_);
  AdminClient client(admin_, kTimeout);
  const auto pause = [&](Duration length) {
    wake_.wait_for(lock, std::chrono::nanoseconds(length.ns));
  };
  while (!stopping_) {
    if (changes_.empty()) {
      wake_.wait(lock);
      continue;
    }
    const auto next = changes_.begin();  // Stays valid while others are put.
    const Instant now = monotonic_now();
    if (!hurried_ && next->first > now) {
      pause(next->first - now);
      continue;
    }
    client.set_endpoint(admin_);
    lock.unlock();
    const auto changed = client.import(next->second);
    lock.lock();
    if (changed) {
      changes_.erase(next);
    } else {
      last_error_ = changed.error().text;
      pause(kRetryDelay);
    }
  }
}

}  // namespace chat::sim
