// TokenWatch: how long the tokens of an engine's sessions last. It warns a client before its token
// ends (TokenExpiring), takes a new one (RefreshToken) without a new connection, and closes the
// session when the token has ended. Deadlines stand in a wheel, 9 bytes per session; they count on
// the monotonic clock from when the token was checked. Thread rule: belongs to its engine.
#pragma once

#include <string>
#include <vector>

#include "core/engine/context.h"
#include "core/presence/deadline_wheel.h"
#include "core/presence/tick_scale.h"
#include "core/session/session_output.h"
#include "core/session/session_table.h"

namespace chat {

class TokenWatch {
 public:
  TokenWatch(EngineContext& context, SessionTable& sessions, SessionOutput& output);

  /// The session speaks for `identity` from now on; what begin() or on_auth_done() watch by.
  void accept(Session& session, const Identity& identity) const;
  /// Watches the token of a session that was welcomed.
  void begin(Session& session);
  /// The session serves no longer; no effect when it is not watched.
  void end(const Session& session) { wheel_.erase(session.slot); }
  /// False when the token has ended: the session is being closed.
  bool check(Session& session);

  /// RefreshToken: has the token checked. One check at a time per session.
  void refresh(Session& session, uint32_t reply_to, const std::string& token);
  /// Whether the answer belongs to a refresh; else it belongs to a Hello.
  static bool is_refresh(AuthToken token) { return (token.value & kRefreshBit) != 0; }
  /// The answer to a refresh. True when the session now stands in a newer log-in.
  bool on_auth_done(const AuthDone& input);
  static ConnId conn_of(AuthToken token) { return ConnId{token.value & ~kRefreshBit}; }

  void on_timer();

 private:
  // Connection ids count from 1 and never get that far.
  static constexpr uint64_t kRefreshBit = uint64_t{1} << 63;

  void expire(Session& session);
  void arm();

  EngineContext& context_;
  SessionTable& sessions_;
  SessionOutput& output_;
  TickScale ticks_;
  DeadlineWheel wheel_;
  TimerHandle armed_;
  Instant armed_at_ = kNever;
};

}  // namespace chat
