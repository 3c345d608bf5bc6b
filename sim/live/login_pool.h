// LoginPool: gets access tokens for users that log in by password, on threads of its own, so that
// slow password hashing never holds up the load. Answers are collected by the owner's loop, which
// ready_fd() wakes. Thread rule: public functions on the owner's thread.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "core/base/error.h"
#include "sim/crowd/roster.h"
#include "sim/live/endpoint.h"

namespace chat::sim {

class LoginPool {
 public:
  struct Answer {
    uint32_t user = 0;
    Result<std::string> token = make_error(ErrorCode::internal, "");
  };

  /// `roster` outlives the pool.
  LoginPool(const Roster& roster, const Endpoint& endpoint);
  ~LoginPool();

  void request(uint32_t user);
  /// The answers since the last call.
  std::vector<Answer> take();
  /// Readable while there are answers.
  int ready_fd() const { return event_fd_; }
  /// Later requests go there.
  void set_endpoint(const Endpoint& endpoint);

 private:
  void run();

  const Roster& roster_;
  int event_fd_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<uint32_t> requests_;
  std::vector<Answer> answers_;
  Endpoint endpoint_;
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace chat::sim
