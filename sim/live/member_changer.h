// MemberChanger: takes simulated users out of chats and adds them again, as an operator, over
// chatd's admin port, on a thread of its own. One change after the other, by the time when it is
// due; one that is not confirmed is tried until it is. Thread rule: public functions on the owner's
// thread.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <thread>

#include "core/base/time.h"
#include "sim/live/endpoint.h"
#include "sim/live/roster.h"

namespace chat::sim {

class MemberChanger {
 public:
  /// `roster` outlives the changer.
  MemberChanger(const Roster& roster, const Endpoint& admin);
  ~MemberChanger();

  /// Not before `at` the user is taken out of the chat, a group or room.
  void remove(uint32_t chat, uint32_t user, Instant at);
  /// Not before `at` the user is added to the chat.
  void add(uint32_t chat, uint32_t user, Instant at);
  /// From now on everything is due at once, in the same order.
  void hurry();
  /// Changes that are not confirmed yet.
  size_t waiting();
  /// What the last attempt that failed was answered; empty when none has.
  std::string last_error();
  /// Later changes go there.
  void set_endpoint(const Endpoint& admin);

 private:
  void put(Instant at, std::string line);
  void run();

  const Roster& roster_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::multimap<Instant, std::string> changes_;  ///< Lines of an import, by when they are due.
  Endpoint admin_;
  std::string last_error_;
  bool hurried_ = false;
  bool stopping_ = false;
  std::thread thread_;  ///< The last member: it uses the others.
};

}  // namespace chat::sim
