// TypingPush: tells sessions of this engine that somebody types.
// Only those that want it, never the typing user's own; in the lane that is dropped first. Thread
// rule: belongs to its engine.
#pragma once

#include "core/engine/context.h"
#include "core/session/room_gate.h"
#include "core/session/session_output.h"
#include "core/session/session_table.h"

namespace chat {

namespace peer {
class TypingPush;
}

class TypingPush {
 public:
  TypingPush(EngineContext& context, SessionTable& sessions, SessionOutput& output, RoomGate& rooms)
      : context_(context), sessions_(sessions), output_(output), rooms_(rooms) {}

  void on_push(const peer::TypingPush& frame);

 private:
  EngineContext& context_;
  SessionTable& sessions_;
  SessionOutput& output_;
  RoomGate& rooms_;
};

}  // namespace chat
