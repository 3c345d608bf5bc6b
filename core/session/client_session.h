// ClientSession: what a device of a user does, without a world: hello, heartbeat, send, acknowledge, sync, resume.
// Used by chatsim (live and virtual), chatreplay, chatctl and the tests. The caller owns the connection: it hands
// over what was received and sends what take_output() gives, one WebSocket message at a time. Random draws (heartbeat
// phase, back-off jitter) come from the Random of the call. Compact: a million of them fit one process.
// Thread rule: none of its own, plain value.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/error.h"
#include "core/base/ids.h"
#include "core/base/random.h"
#include "core/base/time.h"
#include "core/engine/io.h"

namespace chat::v1 {
class ClientFrame;
class Send;
class ServerFrame;
class SyncEntry;
}  // namespace chat::v1

namespace chat {

/// Shared by all sessions of a run.
struct ClientOptions {
  Encoding encoding = Encoding::proto;
  std::string client_name = "chatsim";
  bool want_receipts = false;
  Duration ack_delay = milliseconds(200);  ///< Acks are joined up to this, or kAckEvents.
  uint32_t ack_events = 32;
  Duration backoff_base = seconds(1);  ///< Reconnect: full jitter, doubled per failure,
  Duration backoff_cap = seconds(60);  ///< capped,
  Duration backoff_reset_after = seconds(30);  ///< reset after so long a stable connection.
};

/// What a session tells its owner. Called inside receive(); must not call back into the session.
class ClientObserver {
 public:
  virtual ~ClientObserver() = default;
  /// Welcome arrived. `recovered` false: a reset sync follows.
  virtual void on_welcome(bool recovered, uint64_t inbox_head) = 0;
  /// The session is live: everything up to head has been delivered to the application.
  virtual void on_live() = 0;
  /// Every event frame or sync entry as it came on the wire, before the session filters what it already has.
  /// `inbox_seq` 0 = a room's event. `pushed`: as an Event, not in a SyncPage.
  virtual void on_wire_event(const ChatId& chat, uint64_t seq, uint64_t inbox_seq, bool pushed) = 0;
  /// An event is delivered to the application: once, in order. `client_msg_id` only on the author's devices.
  virtual void on_event(const v1::SyncEntry& entry, bool pushed) = 0;
  /// Any other frame, after the session has handled it (SendAck, Error, Receipt, HistoryPage, …).
  virtual void on_frame(const v1::ServerFrame& frame) = 0;
};

}  // namespace chat
