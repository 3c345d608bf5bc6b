// ClientSession: what a device of a user does, without a world: hello, heartbeat, send,
// acknowledge, sync, resume. Used by chatsim (live and virtual), chatreplay, chatctl and the tests.
// The caller owns the connection: it hands over what was received and sends what take_output()
// gives, one WebSocket message at a time; after every call that takes `now` it drains take_output()
// and looks at next_wake() again. Random draws (heartbeat phase, back-off jitter) come from the
// Random of the call. Compact: a million of them fit one process. Thread rule: none of its own,
// plain value.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
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
class Delete;
class Edit;
class History;
class Lagged;
class React;
class Send;
class ServerFrame;
class SyncEntry;
class SyncPage;
class Welcome;
}  // namespace chat::v1

namespace chat {

/// Shared by all sessions of a run; outlives them.
struct ClientOptions {
  Encoding encoding = Encoding::proto;
  std::string client_name = "chatsim";
  bool want_receipts = false;
  bool want_typing = false;
  bool want_presence = false;  ///< Changes of presence are pushed, if the server does so.
  bool ack_rooms =
      true;  ///< Acknowledge room events too; large rooms that nobody counts can do without.
  Duration ack_delay = milliseconds(200);  ///< Acks are joined up to this, or ack_events.
  uint32_t ack_events = 32;
  uint32_t heartbeat_asks_every = 4;   ///< Every so many heartbeats the session asks for an answer.
  Duration backoff_base = seconds(1);  ///< Reconnect: full jitter, doubled per failure,
  Duration backoff_cap = seconds(60);  ///< capped,
  Duration backoff_reset_after = seconds(30);  ///< reset after so long a stable connection.
};

/// What a session tells its owner. Called inside receive(); must not call back into the session.
class ClientObserver {
 public:
  virtual ~ClientObserver() = default;
  /// Welcome arrived. `recovered` false: a reset sync follows, unless there was no cursor to
  /// recover.
  virtual void on_welcome(bool recovered, uint64_t inbox_head) = 0;
  /// The inbox is live: everything up to head has been delivered to the application.
  virtual void on_live() = 0;
  /// A page jumped over what the device has not got. Inbox (page.chat_id empty): `page.chats` is
  /// the snapshot and what lies between the last delivered seq of a chat and its last_seq is to be
  /// had by History. Room: events up to page.next − 1 are skipped. Called before the entries of the
  /// page, if there are any.
  virtual void on_reset(const v1::SyncPage& page) = 0;
  /// Every event frame or sync entry as it came on the wire, before the session filters what it
  /// already has. `inbox_seq` 0 = a room's event; `seq` 0 = a read marker. `pushed`: as a frame of
  /// its own, not in a SyncPage.
  virtual void on_wire_event(const ChatId& chat, uint64_t seq, uint64_t inbox_seq, bool pushed) = 0;
  /// An entry is delivered to the application: once and in order within the inbox and within each
  /// room. `client_msg_id` is set only on the author's devices.
  virtual void on_event(const v1::SyncEntry& entry, bool pushed) = 0;
  /// Any other frame, after the session has handled it (SendAck, Error, Receipt, HistoryPage,
  /// GoAway, …).
  virtual void on_frame(const v1::ServerFrame& frame) = 0;
};

/// What a device says about itself when it connects.
struct ClientHello {
  std::string_view token;
  std::string_view device_id;  ///< 1..64 bytes, kept by the device.
};

class ClientSession {
 public:
  enum class State : uint8_t {
    closed,   ///< No connection.
    greeted,  ///< Hello is under way, no Welcome yet.
    syncing,  ///< Reading the inbox up to head.
    live,     ///< Events are pushed.
  };

  explicit ClientSession(const ClientOptions& options) : options_(&options) {}

  // -- the connection's life

  /// A connection was made: queues Hello, with the cursor if the session has one.
  void connected(Instant now, const ClientHello& hello);
  /// One whole WebSocket message. An error means that the server broke the protocol: close the
  /// connection.
  Status receive(Instant now, std::string_view bytes, ClientObserver& observer, Random& random);
  /// The connection is gone, whoever closed it. The delay until the next attempt; nullopt = do not
  /// come back (41xx, or `normal`). The cursors stay.
  std::optional<Duration> closed(Instant now, CloseCode code, Random& random);
  /// When wake() wants to be called; kNever without a connection.
  Instant next_wake() const;
  /// Queues the heartbeat, acknowledgement or repeated Sync that is due. Harmless when nothing is.
  void wake(Instant now);
  /// Moves the next WebSocket message to be sent into `out`; false when there is none.
  bool take_output(std::string& out);

  // -- what the application asks for; each returns the frame id that the answer's reply_to will
  // carry. Without a Welcome (state below syncing) nothing may be asked.

  uint32_t send(Instant now, v1::Send send);
  /// Edit, Delete and React are answered by a SendAck with their client_op_id.
  uint32_t edit(Instant now, v1::Edit edit);
  uint32_t remove(Instant now, v1::Delete deletion);
  uint32_t react(Instant now, v1::React reaction);
  uint32_t read(Instant now, const ChatId& chat, uint64_t up_to_seq);
  uint32_t history(Instant now, v1::History request);
  uint32_t watch_presence(Instant now, const std::vector<UserId>& users);
  /// The user types in this chat. There is no answer.
  void typing(Instant now, const ChatId& chat);
  uint32_t refresh_token(Instant now, std::string_view token);

  /// Follows a room from `from_seq` (inclusive; 0 = from its head) on, over reconnects, until
  /// leave_room(). May be called in any state. A room that is already followed is left as it is.
  /// When the server refuses the room for good, it is forgotten.
  void join_room(Instant now, const ChatId& chat, uint64_t from_seq);
  /// Stops following the room and tells the server so.
  void leave_room(Instant now, const ChatId& chat);

  // -- facts

  State state() const { return state_; }
  bool is_live() const { return state_ == State::live; }
  /// Whether every followed room has reached its head too.
  bool rooms_live() const;
  /// Whether the room is followed.
  bool in_room(const ChatId& chat) const;
  /// Whether the room is followed and has reached its head.
  bool is_room_live(const ChatId& chat) const;
  /// The server asked to go elsewhere (GoAway): close the connection with any code but 1000 and
  /// 1001.
  bool should_leave() const { return go_away_; }
  uint64_t session_id() const { return session_id_; }
  uint64_t epoch() const { return epoch_; }
  /// The last inbox_seq that the application has.
  uint64_t inbox_cursor() const { return inbox_seq_; }
  bool has_cursor() const { return has_cursor_; }
  /// The last seq of a followed room that the application has; 0 when none or not followed.
  uint64_t room_cursor(const ChatId& chat) const;

 private:
  struct Room {
    ChatId chat;
    uint64_t seq = 0;      ///< The last one that the application has.
    uint32_t sync_id = 0;  ///< The frame id of the Sync under way.
    bool live = false;
    bool from_head = false;  ///< Has no cursor yet: starts at head.
    bool ack_due = false;
    bool sync_due = false;  ///< Refused for now: ask again at retry_at_.
  };
  struct Incoming;

  v1::ClientFrame new_frame();
  void queue(Instant now, const v1::ClientFrame& frame);
  void queue_inbox_sync(Instant now);
  void queue_room_sync(Instant now, Room& room);
  void queue_ack(Instant now);
  void queue_heartbeat(Instant now);
  void sync_again(Instant now, Duration delay);
  Room* find_room(const ChatId& chat);
  const Room* find_room(const ChatId& chat) const;

  Status on_frame(Incoming& in, v1::ServerFrame& frame);
  Status on_welcome(Incoming& in, const v1::Welcome& welcome);
  Status on_pushed(Incoming& in, v1::ServerFrame& frame);
  void on_pushed_inbox(Incoming& in, const v1::SyncEntry& entry);
  void on_pushed_room(Incoming& in, const ChatId& chat, const v1::SyncEntry& entry);
  Status on_page(Incoming& in, const v1::ServerFrame& frame);
  Status on_inbox_page(Incoming& in, const v1::SyncPage& page);
  void on_room_page(Incoming& in, Room& room, const v1::SyncPage& page);
  void on_lagged(Incoming& in, const v1::Lagged& lagged);
  void on_error(Incoming& in, const v1::ServerFrame& frame);
  void note_delivered(Instant now);

  const ClientOptions* options_;
  std::string out_;  ///< An encoded ClientBatch of protobuf, whatever the connection's encoding.
  std::vector<Room> rooms_;
  uint64_t session_id_ = 0;
  uint64_t epoch_ = 0;
  uint64_t inbox_seq_ = 0;
  int64_t receipts_since_ms_ = 0;  ///< The server time up to which all receipts have come.
  Instant heartbeat_at_ = kNever;
  Instant ack_at_ = kNever;
  Instant retry_at_ = kNever;
  Instant welcomed_at_ = kNever;
  uint32_t next_id_ = 1;
  uint32_t inbox_sync_id_ = 0;  ///< The frame id of the Sync under way.
  uint32_t heartbeat_interval_ms_ = 0;
  uint32_t reconnect_ms_ = 0;  ///< The window of Welcome, or the delay of GoAway.
  uint32_t unacked_ = 0;       ///< Events delivered since the last acknowledgement.
  uint16_t heartbeats_ = 0;
  uint8_t failures_ = 0;
  State state_ = State::closed;
  bool has_cursor_ : 1 = false;
  bool inbox_ack_due_ : 1 = false;
  bool inbox_sync_due_ : 1 = false;  ///< Refused for now: ask again at retry_at_.
  bool reset_wanted_ : 1 = false;    ///< The next inbox Sync starts from 0.
  bool go_away_ : 1 = false;
};

}  // namespace chat
