// Session and SessionTable: the connections of one engine and what is known of each.
// A Session lives from Opened to Closed; its slot is a small number that is used again. Only the
// session home's parts change it. Thread rule: belongs to its engine.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "core/base/ids.h"
#include "core/base/time.h"
#include "core/engine/io.h"
#include "core/policy/send_queue.h"
#include "core/policy/token_bucket.h"

namespace chat {

namespace v1 {
class ClientFrame;
class Hello;
}  // namespace v1

/// A room of a session. Live: events are pushed from pushed_through + 1 on.
struct RoomView {
  ChatId chat;
  uint64_t visit = 0;  ///< Another one after the session has left and come back.
  uint64_t pushed_through = 0;
  bool live = false;
  bool syncing = false;  ///< A page is under way.
};

/// The Sync of the inbox that waits for its page.
struct PendingSync {
  uint32_t reply_to = 0;
  uint64_t from_inbox_seq = 0;
  uint32_t limit = 0;
};

/// Receipts that a session may have missed, and how far they have been told again.
struct ReceiptCatchUp {
  int64_t missed_ms = 0;      ///< Since this wall time some may be missing; 0 = none.
  int64_t since_ms = 0;       ///< Those since then are being told again; 0 = nothing is.
  std::string after_chat_id;  ///< Told are those of the chats up to this one.
  bool asked = false;         ///< A page of them is under way.
  bool due = false;           ///< Stands in the list of sessions that have to ask.

  bool complete() const { return missed_ms == 0 && since_ms == 0; }
  /// What a client may take as told: everything up to now, or nothing new (0).
  int64_t through(WallTime now) const { return complete() ? now.ms : 0; }
};

struct Session {
  enum class Phase : uint8_t {
    opened,          ///< Waits for Hello.
    authenticating,  ///< The token is being checked.
    attaching,       ///< Waits for the user home.
    active,          ///< Welcome was sent.
  };

  ConnId conn;
  uint32_t slot = 0;
  Encoding encoding = Encoding::proto;
  Phase phase = Phase::opened;
  bool admitted = false;  ///< Counts as a connection of Admission.
  bool closing = false;   ///< Close was emitted; waits for Closed.
  bool due = false;       ///< Stands in the list of sessions with something to send.
  bool stall_armed = false;
  bool live = false;       ///< The inbox is pushed; else the client syncs.
  bool reset_due = false;  ///< Its cursor was void: its first page has to be a reset.
  bool want_receipts = false;
  bool token_warned = false;
  bool refreshing = false;  ///< A new token is being checked.
  bool want_typing = false;
  bool want_presence = false;  ///< Changes of presence are pushed to it.
  bool unannounced = false;    ///< Waits to be announced to a new home.
  uint32_t hello_id = 0;
  uint32_t refresh_id = 0;
  uint32_t sends_unanswered = 0;

  UserId user;
  EngineId home;  ///< The user home that was asked to attach it.
  SessionId session;
  uint64_t pushed_through =
      0;  ///< Inbox: everything up to here was sent or is the client's own claim.
  uint64_t acked_through = 0;
  uint64_t head_seen = 0;  ///< The highest inbox_seq that the user home told of.
  LoginId login;           ///< Of the token; none: an operator's.
  WallTime token_issued;
  Instant token_ends = kNever;
  Duration token_warning;  ///< So long before its end the client is told.
  WallTime opened_at;
  WallTime last_frame_at;

  SendQueue queue;
  TokenBucket frames{TokenBucketOptions{}};  ///< Of frames that change no chat.
  std::optional<PendingSync> sync;
  ReceiptCatchUp receipts;
  std::vector<RoomView> rooms;
  std::string user_name, device_id, client, address;
  std::string source;                  ///< What limits per address go by: limit_key(address).
  std::unique_ptr<v1::Hello> hello;    ///< Until Welcome.
  std::vector<v1::ClientFrame> early;  ///< Came before Welcome.

  Session();
  ~Session();
  bool active() const { return phase == Phase::active && !closing; }
  RoomView* room(const ChatId& chat);
};

class SessionTable {
 public:
  Session& open(ConnId conn);
  void close(Session& session);
  Session* find(ConnId conn);
  /// The session in a slot, or nullptr.
  Session* at(uint32_t slot) { return slots_[slot].get(); }

  /// Files the session under its user.
  void bind_user(Session& session);
  /// The slots of a user's sessions in order of their attach.
  std::vector<uint32_t> of_user(UserId user) const;
  /// Connection ids in ascending order after `after`, at most `limit`.
  std::vector<ConnId> list(ConnId after, size_t limit) const;
  /// Calls visit(session) for each in order of slots; it may not open or close any.
  template <class Visit>
  void for_each(const Visit& visit) {
    for (const auto& session : slots_) {
      if (session) visit(*session);
    }
  }
  size_t size() const { return by_conn_.size(); }

 private:
  std::deque<std::unique_ptr<Session>> slots_;
  std::vector<uint32_t> free_;
  std::unordered_map<uint64_t, uint32_t> by_conn_;
  std::unordered_map<uint64_t, std::vector<uint32_t>> by_user_;
};

}  // namespace chat
