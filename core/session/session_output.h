// SessionOutput: the way of frames to connections, and the policy against slow readers.
// Frames wait in the session's SendQueue; at the end of the turn everything due for a connection is
// joined into one Send, one outstanding per connection. Over budget the client is told to sync
// (Lagged) or is closed. Thread rule: belongs to its engine.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "core/engine/context.h"
#include "core/session/session_table.h"

namespace chat {

namespace v1 {
class Error;
class ServerFrame;
}  // namespace v1

class SessionOutput {
 public:
  SessionOutput(EngineContext& context, SessionTable& sessions)
      : context_(context), sessions_(sessions) {}

  /// Queues bytes made by the frame codec. False when the frame was not taken: the session lags or
  /// is being closed.
  bool push(Session& session, SharedBytes bytes, SendLane lane);
  bool push(Session& session, const v1::ServerFrame& frame, SendLane lane);
  /// Answers a client's frame; nothing when it wants no reply.
  void error(Session& session, uint32_t reply_to, const v1::Error& error);

  /// Pushing stops: the inbox, or one room, has to be synced by the client.
  void lag_inbox(Session& session);
  void lag_room(Session& session, RoomView& room);

  /// Emits Close once. The session stays until Closed.
  void close(Session& session, CloseCode code, std::string reason);

  void on_sent(Session& session);
  void on_stall_timer(Session& session);
  void end_turn();

  /// Runs for each session when close() begins.
  void set_closing(std::function<void(Session&, CloseCode)> closing) {
    closing_ = std::move(closing);
  }

 private:
  void lag_everything(Session& session);
  void mark_due(Session& session);
  /// Joins what is due into a Send unless one is outstanding.
  bool write(Session& session);

  EngineContext& context_;
  SessionTable& sessions_;
  std::vector<uint32_t> due_;
  std::function<void(Session&, CloseCode)> closing_;
};

}  // namespace chat
