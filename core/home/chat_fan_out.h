// ChatFanOut: brings what a chat home has stored to those who get it.
// Direct chats and groups: InboxAppend to the user homes of the recipients, in seq order, until
// each has answered; then fanned_seq rises. Rooms: the events once to every subscribed session
// home, and inbox rows only for users whom an event is about and author rows. After a crash or a
// move it does again what has no answer: the recipients are rebuilt by undoing member events from
// last_seq down to fanned_seq. Thread rule: belongs to its engine.
#pragma once

#include <functional>
#include <set>
#include <vector>

#include "core/engine/context.h"
#include "core/home/chat_table.h"

namespace chat {

namespace peer {
class InboxStored;
}

class ChatFanOut {
 public:
  ChatFanOut(EngineContext& context, ChatTable& chats);

  /// Events that were just stored. `recipients` are the active members after them and those whom
  /// they end; rooms ignore it.
  void start(Chat& chat, const std::vector<SharedEvent>& events,
             const std::set<UserId>& recipients);
  void on_inbox_stored(const peer::InboxStored& frame);
  /// fanned_seq rose; the writer stores it and may go on.
  void set_progress(std::function<void(Chat&)> progress) { progress_ = std::move(progress); }

  void subscribe(Chat& chat, EngineId session_home) { chat.subscribers.insert(session_home); }
  void unsubscribe(const ChatId& chat, EngineId session_home);
  /// Sends again what waits for an engine that is lost or is no longer the home of the users.
  void reroute(Chat& chat, std::optional<EngineId> lost);

 private:
  struct Segment {
    std::vector<SharedEvent> events;
    std::set<UserId> recipients;
  };

  void redrive(Chat& chat, uint64_t last_seq_before);
  void redrive_read(uint64_t number, uint64_t load, std::vector<SharedEvent> events);
  static std::vector<Segment> segments_of(const Chat& chat, const std::vector<SharedEvent>& events);
  void redrive_done(Chat& chat, const std::vector<SharedEvent>& events);
  void fan_out_segment(Chat& chat, const std::vector<SharedEvent>& events,
                       const std::set<UserId>& recipients);
  void post(Chat& chat, FanOutBatch& batch, const std::vector<UserId>& users);
  void finish_front(Chat& chat);
  void end_subscriptions(Chat& chat);

  EngineContext& context_;
  ChatTable& chats_;
  std::function<void(Chat&)> progress_;
  uint64_t next_ticket_;
};

}  // namespace chat
