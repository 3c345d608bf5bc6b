// ChatWriter: the only writer of the chat logs whose home this engine is.
// Operations queue per chat, ChatDrafts says what each does; one conditional append is in flight
// per chat and sends that arrive meanwhile form the next. Stored ⇒ the answer, then the fan-out.
// Conflict or unknown ⇒ the chat is loaded again and the operations are tried anew: never an error
// to the client. Keys make every operation idempotent. Thread rule: belongs to its engine.
#pragma once

#include <functional>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "core/engine/context.h"
#include "core/home/chat_delay.h"
#include "core/home/chat_drafts.h"
#include "core/home/chat_fan_out.h"
#include "core/home/chat_marks.h"
#include "core/home/chat_table.h"

namespace chat {

namespace v1 {
class Response;
}

class ChatWriter {
 public:
  ChatWriter(EngineContext& context, ChatTable& chats, ChatFanOut& fan_out, ChatMarks& marks,
             ChatDelay& delay);

  /// Any operation that changes a chat.
  void add(Chat& chat, ChatOp op);
  /// Starts the next append if there is something to write and nothing in flight.
  void pump(Chat& chat);
  /// Stores fanned_seq and marks by themselves when no batch took them along.
  void on_flush_timer(Chat& chat);
  void arm_flush(Chat& chat);
  /// Ends a chat whose time has come.
  void end_if_due(Chat& chat);
  /// Runs when an append of a chat was stored.
  void set_stored(std::function<void(Chat&)> stored) { stored_ = std::move(stored); }

 private:
  bool add_end_if_due(Chat& chat);
  bool take_queued(Chat& chat, Draft& draft);
  void answer_unstored(const Chat& chat, const ChatOp& op, const v1::Response& response);
  void answer_known(const Chat& chat, const ChatOp& op, const KeyRow& known);
  void read_target(Chat& chat, uint64_t seq);
  void target_read(Chat& chat, uint64_t read_at, const StoreResult& result);
  static ChatOp* prepared(Chat& chat);
  void check_users(Chat& chat, std::vector<UserId> users);
  void users_checked(Chat& chat, const Result<std::vector<UserId>>& missing);
  void start_append(Chat& chat, Draft draft);
  void append_done(Chat& chat, std::shared_ptr<Draft> draft, StoreResult& result);
  void stored(Chat& chat, Draft& draft);
  void duplicate(Chat& chat, const std::vector<KeyRow>& existing);
  void try_again(Chat& chat, Duration delay);
  void answer_stored(Chat& chat, const ChatOp& op, const Draft& draft);

  EngineContext& context_;
  ChatTable& chats_;
  ChatFanOut& fan_out_;
  ChatMarks& marks_;
  ChatDelay& delay_;
  ChatDrafts drafts_;
  std::function<void(Chat&)> stored_;
};

}  // namespace chat
