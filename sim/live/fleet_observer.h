// Fleet::Observer: what a device's session reports, for the oracle and for the fleet. Part of the
// fleet's implementation. Thread rule: as the fleet's.
#pragma once

#include "sim/live/fleet.h"
#include "sim/oracle/witness.h"

namespace chat::sim {

class Fleet::Observer : public ClientObserver {
 public:
  Observer(Fleet& fleet, uint32_t user)
      : fleet_(fleet), witness_(fleet.options_.oracle, fleet.users_[user].device), user_(user) {}

  void on_welcome(bool recovered, uint64_t inbox_head) override {
    witness_.on_welcome(recovered, inbox_head);
    fleet_.on_welcome(user_);
  }
  void on_live() override { witness_.on_live(); }
  void on_reset(const v1::SyncPage& page) override {
    witness_.on_reset(page);
    fleet_.on_reset(user_, page);
  }
  void on_wire_event(const ChatId& chat, uint64_t seq, uint64_t inbox_seq, bool pushed) override {
    witness_.on_wire_event(chat, seq, inbox_seq, pushed);
  }
  void on_event(const v1::SyncEntry& entry, bool pushed) override {
    witness_.on_event(entry, pushed);
    fleet_.on_event(user_, entry, pushed);
  }
  void on_frame(const v1::ServerFrame& frame) override {
    witness_.on_frame(frame);
    fleet_.on_frame(user_, frame);
  }

 private:
  Fleet& fleet_;
  Witness witness_;
  uint32_t user_;
};

}  // namespace chat::sim
