// ChatHome: the home of chats – routes what engines ask of a chat to the parts that do it.
// ChatWriter writes the log, ChatFanOut delivers what is stored, ChatMarks keeps receipts; this
// class answers reads (History, room pages, GetChat) and follows changes of the ring. Thread rule:
// belongs to its engine.
#pragma once

#include "core/engine/context.h"
#include "core/home/chat_delay.h"
#include "core/home/chat_fan_out.h"
#include "core/home/chat_lifetime.h"
#include "core/home/chat_marks.h"
#include "core/home/chat_table.h"
#include "core/home/chat_upkeep.h"
#include "core/home/chat_writer.h"
#include "core/home/typing_home.h"

namespace chat {

namespace peer {
class DelayForward;
class DelaySettled;
class MarksUpdate;
class Touched;
}  // namespace peer
namespace v1 {
class Response;
class SyncPage;
}  // namespace v1

class ChatHome {
 public:
  explicit ChatHome(EngineContext& context);

  /// Send, CreateChat, ChangeMembers, GetChat, GetReceipts, History and room Sync.
  void on_request(EngineId from, peer::HomeRequest&& frame);
  void on_inbox_stored(const peer::InboxStored& frame) { fan_out_.on_inbox_stored(frame); }
  void on_marks_update(EngineId from, const peer::MarksUpdate& frame);
  void on_room_unsubscribe(EngineId from, const ChatId& chat) { fan_out_.unsubscribe(chat, from); }
  void on_typing(const peer::TypingNotice& frame) { typing_.on_notice(frame); }
  void on_touched(const peer::Touched& frame);

  void on_delay_loaded(const DelayLoaded& input) { delay_.on_loaded(input); }
  void on_delay_forward(EngineId from, const peer::DelayForward& frame);
  void on_delay_settled(const peer::DelaySettled& frame) { delay_.on_settled(frame); }

  void on_ring_changed();
  void on_peer_lost(EngineId peer);
  void on_timer(TimerKind kind, uint64_t number);
  void start();
  void end_turn();

 private:
  /// What was asked of the store for a History answer, and what of the chat counts for it.
  struct HistoryRead {
    ReadEvents command;
    ShowRule rule;
    uint64_t oldest = 1;
    uint64_t last = 0;
  };
  /// The same for a page of a room.
  struct RoomRead {
    ReadEvents command;
    ShowRule rule;
    uint64_t first_shown = 1;
    UserId user;
  };

  bool refuse_flood(Chat& chat, EngineId from, const peer::HomeRequest& request);
  void history(Chat& chat, EngineId from, const peer::HomeRequest& frame);
  void answer_history(EngineId from, uint64_t request_id, const HistoryRead& read,
                      const StoreResult& result);
  void room_sync(Chat& chat, EngineId from, std::shared_ptr<const peer::HomeRequest> request);
  void read_again(const ChatId& id);
  void leave(Chat& chat);
  void room_page(Chat& chat, EngineId from, const peer::HomeRequest& frame);
  void read_room_page(Chat& chat, EngineId from, const peer::HomeRequest& frame, uint64_t cursor);
  void fill_room_page(const RoomRead& read, const StoreResult& result, v1::SyncPage& page) const;
  void get_chat(Chat& chat, EngineId from, const peer::HomeRequest& frame);
  void receipts(Chat& chat, EngineId from, const peer::HomeRequest& frame);
  void refuse_reading(const Chat& chat, EngineId from, const peer::HomeRequest& frame);
  /// The last seq that `user` may read; 0 = nothing.
  uint64_t readable_through(const Chat& chat, UserId user) const;
  void reply(EngineId to, uint64_t request_id, v1::Response&& response);
  void reply_page(EngineId to, uint64_t request_id, v1::SyncPage&& page);
  void scan_pending();
  void sweep();

  EngineContext& context_;
  ChatTable chats_;
  size_t sweep_left_ = 0;  ///< Places in the table that this round has not seen yet.
  ChatFanOut fan_out_;
  ChatMarks marks_;
  ChatDelay delay_;
  ChatWriter writer_;
  TypingHome typing_;
  ChatUpkeep upkeep_;
};

}  // namespace chat
