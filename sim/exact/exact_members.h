// ExactMembers: takes simulated users out of chats and adds them again by an operator's requests to
// the engines of a VirtualWorld. One change after the other, by the time when it is due; one that
// is not confirmed is tried until it is. Thread rule: its world's thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "sim/crowd/member_changes.h"
#include "sim/crowd/roster.h"
#include "sim/virtual/virtual_world.h"

namespace chat::sim {

class ExactMembers : public MemberChanges {
 public:
  /// What is given outlives the changes; the world runs no more once they are gone.
  ExactMembers(const Roster& roster, VirtualWorld& world) : roster_(roster), world_(world) {}

  void remove(uint32_t chat, uint32_t user, Instant at) override;
  void add(uint32_t chat, uint32_t user, Instant at) override;
  void hurry() override;
  size_t waiting() override { return changes_.size(); }
  std::string last_error() override { return last_error_; }

 private:
  void put(Instant at, uint32_t chat, uint32_t user, bool add);
  void ask_for_first();

  const Roster& roster_;
  VirtualWorld& world_;
  std::multimap<Instant, std::shared_ptr<const v1::Request>> changes_;  ///< By when they are due.
  std::string last_error_;
  uint64_t keys_ = 0;
  bool asking_ = false;
  bool hurried_ = false;
};

}  // namespace chat::sim
