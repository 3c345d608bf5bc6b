// SessionHome: the engine's side of every connection – hello, heartbeat, acknowledgement, inbox
// pushes and pages. It keeps no truth: what it pushes comes from the homes, which it asks through
// HomeRequests. A session is live or syncing; live pushes exactly the next inbox entry. Heartbeats
// never leave it. Thread rule: belongs to its engine.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/engine/context.h"
#include "core/policy/admission.h"
#include "core/presence/presence_wheel.h"
#include "core/presence/tick_scale.h"
#include "core/session/client_frames.h"
#include "core/session/drainer.h"
#include "core/session/home_requests.h"
#include "core/session/presence_watch.h"
#include "core/session/receipt_gate.h"
#include "core/session/room_gate.h"
#include "core/session/session_output.h"
#include "core/session/session_table.h"
#include "core/session/token_watch.h"
#include "core/session/typing_push.h"

namespace chat {

namespace peer {
class Attached;
class CloseSession;
class InboxPush;
class PushTo;
class SyncResult;
}  // namespace peer

class SessionHome {
 public:
  explicit SessionHome(EngineContext& context);

  void on_opened(Opened& input);
  void on_received(Received& input);
  void on_sent(const Sent& input);
  void on_closed(const Closed& input);
  void on_account_changed(const AccountChanged& input);
  void on_drain(const Drain& input) { drainer_.begin(input, admission_.reconnect_window()); }
  void on_auth_done(AuthDone& input);
  void on_request(const RequestInput& input) { frames_.on_request(input); }

  void on_attached(EngineId from, const peer::Attached& frame);
  void on_close_session(const peer::CloseSession& frame);
  void on_inbox_push(const peer::InboxPush& frame);
  void on_sync_result(EngineId from, peer::SyncResult& frame);
  void on_receipts(const peer::ReceiptPush& frame) { receipts_.on_push(frame); }
  void on_receipts_missed(const peer::ReceiptsMissed& frame) { receipts_.on_missed(frame); }
  void on_room_events(EngineId from, const peer::RoomEvents& frame) {
    rooms_.on_events(from, frame);
  }
  void on_typing(const peer::TypingPush& frame) { typing_.on_push(frame); }
  PresenceWatch& presence() { return watch_; }
  void on_reply(EngineId from, peer::HomeReply& reply) { requests_.on_reply(from, reply); }

  void on_ring_changed();
  void on_limits_changed();
  void on_peer_lost(EngineId peer);
  void on_timer(TimerKind kind, uint64_t id);
  void start();
  void end_turn();

 private:
  /// Event bodies of one InboxPush, encoded once per encoding at their first use.
  class Bodies;

  void on_frame(Session& session, const v1::ClientFrame& frame);
  void on_hello(Session& session, const v1::ClientFrame& frame);
  void protocol_error(Session& session, std::string text);
  void authenticated(Session& session, const Identity& identity);
  void attach(Session& session);
  peer::Frame attach_frame(const Session& session) const;
  void announce(Session& session);
  void announce_login(const Session& session);
  void announce_where(std::optional<EngineId> lost);
  void announce_later(Session& session, Duration pause);
  void announce_next();
  void tell_announced();
  void welcome(Session& session, const peer::Attached& frame);
  void announced(Session& session, const peer::Attached& frame);
  void push_entries(Session& session, const peer::PushTo& to, Bodies& bodies);
  bool push_entry(Session& session, uint64_t inbox_seq, SharedBytes bytes);
  void detach(Session& session, bool clean);
  void sweep_presence();
  void arm_sweep();

  EngineContext& context_;
  SessionTable sessions_;
  SessionOutput output_;
  HomeRequests requests_;
  RoomGate rooms_;
  ReceiptGate receipts_;
  TokenWatch tokens_;
  PresenceWatch watch_;
  TypingPush typing_;
  ClientFrames frames_;
  Drainer drainer_;
  Admission admission_;
  TickScale ticks_;
  PresenceWheel presence_;
  std::vector<uint32_t> alive_;            ///< Slots with a sign of life in this turn.
  std::map<EngineId, uint64_t> refusals_;  ///< Attaches that a home refused, since the link began.
  std::deque<ConnId> unannounced_;         ///< Their home changed, and does not know them yet.
  bool sweep_armed_ = false;
  bool announce_armed_ = false;
};

}  // namespace chat
