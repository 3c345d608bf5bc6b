// ClientFrames: what a welcomed client, a REST caller or an operator asks, brought to the homes and
// answered. WebSocket frames and Requests share checks and answers. Thread rule: belongs to its
// engine.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "core/engine/context.h"
#include "core/session/home_requests.h"
#include "core/session/inbound_gate.h"
#include "core/session/presence_watch.h"
#include "core/session/request_check.h"
#include "core/session/room_gate.h"
#include "core/session/session_output.h"
#include "core/session/session_table.h"
#include "core/session/token_watch.h"

namespace chat {

namespace v1 {
class ClientFrame;
class Error;
class Request;
class Response;
class SessionInfo;
class Sync;
}  // namespace v1

class ClientFrames {
 public:
  ClientFrames(EngineContext& context, SessionTable& sessions, SessionOutput& output,
               HomeRequests& requests, RoomGate& rooms, TokenWatch& tokens, PresenceWatch& watch)
      : context_(context),
        sessions_(sessions),
        output_(output),
        requests_(requests),
        rooms_(rooms),
        tokens_(tokens),
        watch_(watch),
        gate_(context) {}

  /// A frame after Welcome.
  void on_frame(Session& session, const v1::ClientFrame& frame);
  void on_request(const RequestInput& input);
  void on_limits_changed() { gate_.on_limits_changed(); }
  void acknowledge(Session& session, uint64_t inbox_seq);
  /// Asks the user home for the page that the session waits for.
  void post_sync_read(const Session& session);

 private:
  using Answer = std::function<void(const v1::Response&)>;

  void write(Session& session, const v1::ClientFrame& frame);
  void leave_room(Session& session, const v1::ClientFrame& frame);
  void sync(Session& session, const v1::ClientFrame& frame);
  void heartbeat(Session& session, const v1::ClientFrame& frame);
  void watch_presence(Session& session, const v1::ClientFrame& frame);
  /// Tells the chat's home; there is no answer.
  std::optional<v1::Error> start_typing(UserId user, const std::string& chat_id);
  void submit(const v1::Request& request, const Answer& answer);
  Checked<ChatId> prepare(const v1::Request& request, peer::HomeRequest& home);
  void to_user_home(const v1::Request& request, const Answer& answer);
  void to_chat_home(const v1::Request& request, const Answer& answer);
  void presence(const v1::Request& request, const Answer& answer);
  void list_sessions(const v1::Request& request, const Answer& answer);
  void close_session(const v1::Request& request, const Answer& answer);
  void fill_session(const Session& session, v1::SessionInfo& info) const;
  Answer answer_to(const Session& session, uint32_t reply_to);

  EngineContext& context_;
  SessionTable& sessions_;
  SessionOutput& output_;
  HomeRequests& requests_;
  RoomGate& rooms_;
  TokenWatch& tokens_;
  PresenceWatch& watch_;
  InboundGate gate_;
};

}  // namespace chat
