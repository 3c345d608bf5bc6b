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
#include "sim/crowd/member_changes.h"
#include "sim/crowd/roster.h"
#include "sim/live/endpoint.h"

namespace chat::sim {

class MemberChanger : public MemberChanges {
 public:
  /// `roster` outlives the changer.
  MemberChanger(const Roster& roster, const Endpoint& admin);
  ~MemberChanger() override;

  void remove(uint32_t chat, uint32_t user, Instant at) override;
  void add(uint32_t chat, uint32_t user, Instant at) override;
  void hurry() override;
  size_t waiting() override;
  std::string last_error() override;
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
