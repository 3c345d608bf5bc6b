// Crowd::Observer: what a device's session reports, for the oracle and for the crowd. Part of the
// crowd's implementation. Thread rule: as the crowd's.
#pragma once

#include "sim/crowd/crowd.h"
#include "sim/oracle/witness.h"

namespace chat::sim {

class Crowd::Observer : public ClientObserver {
 public:
  Observer(Crowd& crowd, uint32_t user)
      : crowd_(crowd), witness_(crowd.options_.oracle, crowd.users_[user].device), user_(user) {}

  void on_welcome(bool recovered, uint64_t inbox_head) override {
    witness_.on_welcome(recovered, inbox_head);
    crowd_.on_welcome(user_);
  }
  void on_live() override { witness_.on_live(); }
  void on_reset(const v1::SyncPage& page) override {
    witness_.on_reset(page);
    crowd_.on_reset(user_, page);
  }
  void on_wire_event(const ChatId& chat, uint64_t seq, uint64_t inbox_seq, bool pushed) override {
    witness_.on_wire_event(chat, seq, inbox_seq, pushed);
  }
  void on_event(const v1::SyncEntry& entry, bool pushed) override {
    witness_.on_event(entry, pushed);
    crowd_.on_event(user_, entry, pushed);
  }
  void on_frame(const v1::ServerFrame& frame) override {
    witness_.on_frame(frame);
    crowd_.on_frame(user_, frame);
  }

 private:
  Crowd& crowd_;
  Witness witness_;
  uint32_t user_;
};

}  // namespace chat::sim
