// ChatWriter: the only writer of the chat logs whose home this engine is.
// Operations queue per chat; one conditional append is in flight per chat and sends that arrive
// meanwhile form the next. Stored ⇒ the answer, then the fan-out. Conflict or unknown ⇒ the chat is
// loaded again and the operations are tried anew: never an error to the client. Keys make every
// operation idempotent. Thread rule: belongs to its engine.
#pragma once

#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "core/engine/context.h"
#include "core/home/chat_fan_out.h"
#include "core/home/chat_marks.h"
#include "core/home/chat_table.h"

namespace chat {

namespace v1 {
class ChatInfo;
class Event;
class Response;
}  // namespace v1

class ChatWriter {
 public:
  ChatWriter(EngineContext& context, ChatTable& chats, ChatFanOut& fan_out, ChatMarks& marks);

  /// Send, CreateChat or ChangeMembers.
  void add(Chat& chat, ChatOp op);
  /// Starts the next append if there is something to write and nothing in flight.
  void pump(Chat& chat);
  /// Stores fanned_seq and marks by themselves when no batch took them along.
  void on_flush_timer(Chat& chat);
  void arm_flush(Chat& chat);

 private:
  /// An append being built, and what becomes true when it is stored.
  struct Draft {
    AppendEvents command;
    std::vector<SharedEvent> events;
    std::map<UserId, MemberRow> members;  ///< New and changed.
    size_t bytes = 0;
  };

  bool take_sends(Chat& chat, Draft& draft);
  bool take_send(Chat& chat, Draft& draft, const ChatOp& op);
  bool take_create(Chat& chat, Draft& draft, const ChatOp& op);
  bool take_change(Chat& chat, Draft& draft, const ChatOp& op);
  void refuse_sender(const Chat& chat, const ChatOp& op);
  bool members_known(Chat& chat, ChatOp& op);
  void check_users(Chat& chat, std::vector<UserId> users);
  void users_checked(Chat& chat, const Result<std::vector<UserId>>& missing);
  void add_event(Chat& chat, Draft& draft, v1::Event& event, const ChatOp& op,
                 const std::vector<UserId>& joined, const std::vector<UserId>& left);
  void add_member_events(Chat& chat, Draft& draft, const ChatOp& op,
                         const std::vector<std::pair<UserId, Role>>& joined,
                         const std::vector<UserId>& left);
  void start_append(Chat& chat, Draft draft);
  void append_done(Chat& chat, std::shared_ptr<Draft> draft, StoreResult& result);
  void stored(Chat& chat, Draft& draft);
  void duplicate(Chat& chat, const std::vector<KeyRow>& existing);
  void try_again(Chat& chat, Duration delay);
  /// The answer to a change; without the members where they are many, else a room that fills would
  /// cost the square of its size.
  v1::Response chat_info(const Chat& chat) const;
  void answer(const ChatOp& op, const v1::Response& response);
  void answer_stored(Chat& chat, const ChatOp& op, const Draft& draft);

  EngineContext& context_;
  ChatTable& chats_;
  ChatFanOut& fan_out_;
  ChatMarks& marks_;
};

/// What GetChat and changes answer. Of very many members those who left are not told.
void fill_chat_info(const Chat& chat, v1::ChatInfo& out, bool with_members);

}  // namespace chat
