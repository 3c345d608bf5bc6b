// UserHome: the home of users – their session directory, presence, inbox and receipts.
// It attaches devices (a second attach of a device closes the older first), derives presence from
// session edges, answers inbox pages and hands inbox entries to the session homes. The sub-parts
// write inboxes (InboxWriter), keep delivered marks (DeliveryMarks) and device rows (DeviceBook),
// and pass receipts on (UserReceipts). Thread rule: belongs to its engine.
#pragma once

#include <memory>

#include "core/engine/context.h"
#include "core/home/delivery_marks.h"
#include "core/home/device_book.h"
#include "core/home/inbox_writer.h"
#include "core/home/presence_hub.h"
#include "core/home/user_receipts.h"
#include "core/home/user_table.h"

namespace chat {

namespace peer {
class Attach;
class HomeRequest;
class InboxAck;
class LostSession;
class ReceiptFanOut;
class SessionEdge;
class SessionLogin;
class SyncRead;
class SyncResult;
class Touched;
class TypingFanOut;
}  // namespace peer
namespace v1 {
class ChatSummary;
class Response;
class SyncPage;
}  // namespace v1

/// The row of a chat as its user sees it.
void fill_summary(const UserChatsListed::Item& item, v1::ChatSummary& out);

class UserHome {
 public:
  explicit UserHome(EngineContext& context);

  void on_attach(EngineId from, const peer::Attach& frame);
  void on_edge(EngineId from, const peer::SessionEdge& frame);
  void on_session_login(EngineId from, const peer::SessionLogin& frame);
  /// Ends the grace of lost sessions whose log-in has ended; the others are closed where they are,
  /// and have none.
  void on_account_changed(const AccountChanged& input);
  void on_inbox_ack(const peer::InboxAck& frame);
  void on_sync_read(EngineId from, const peer::SyncRead& frame);
  void on_inbox_append(EngineId from, peer::InboxAppend& frame) {
    writer_.on_inbox_append(from, frame);
  }
  void on_marks_stored(const peer::MarksStored& frame) { marks_.on_marks_stored(frame); }
  void on_receipts(peer::ReceiptFanOut& frame) { receipts_.on_receipts(frame); }
  /// Read, ListChats, GetPresence, ListDevices, ForgetDevice and ReceiptsSince.
  void on_request(EngineId from, const peer::HomeRequest& frame);
  /// A former home hands over a session in its grace.
  void on_lost_session(const peer::LostSession& frame);
  void on_typing(const peer::TypingFanOut& frame);
  PresenceHub& presence() { return presence_; }
  void on_touched(const peer::Touched& frame);

  void on_ring_changed();
  void on_peer_lost(EngineId peer);
  void on_timer(TimerKind kind, uint64_t id, uint64_t extra);
  void start();
  void end_turn();
  void tell_watchers() { presence_.end_turn(); }

 private:
  void when_known_through(UserId id, uint64_t inbox_seq, const std::function<void(User&)>& then);
  void refuse_attach(UserId user, EngineId to, ConnId conn);
  void attach(User& user, EngineId from, const peer::Attach& frame);
  void close_older(User& user, EngineId engine, ConnId conn, const std::string& device_id);
  void close_session(const Device& device, CloseCode code, const std::string& reason);
  bool has_newer(const User& user, const Device& announced) const;
  void lose(User& user, Device& device, Duration grace);
  enum class Parting : uint8_t { goodbye, silence };
  void go_offline(User& user, SessionId session, Parting parting);
  void head_moved(User& user);
  void announce_head(const User& user, const Device& device);
  void inbox_page(User& user, EngineId from, const peer::SyncRead& frame);
  void reset_page(User& user, EngineId from, const peer::SyncRead& frame);
  void post_no_page(EngineId to, const peer::SyncRead& request);
  void post_page(EngineId to, const peer::SyncRead& request, v1::SyncPage&& page, uint64_t head);
  void read(User& user, EngineId from, const peer::HomeRequest& frame);
  void devices(User& user, EngineId from, const peer::HomeRequest& frame);
  void list_chats(EngineId from, const peer::HomeRequest& frame);
  void reply(EngineId to, uint64_t request_id, v1::Response&& response);
  void sweep();
  void sweep(User& user);
  void leave(User& user);
  void hand_over(const User& user, const Device& device);
  bool idle(const User& user) const;
  bool quiet(const User& user) const;  ///< Nothing is under way, nobody is attached.

  EngineContext& context_;
  UserTable users_;
  PresenceHub presence_;
  DeliveryMarks marks_;
  DeviceBook book_;
  UserReceipts receipts_;
  InboxWriter writer_;
  Instant next_last_seen_;
  size_t sweep_left_ = 0;  ///< Places in the table that this round has not seen yet.
  bool sweep_saves_ = false;
};

}  // namespace chat
