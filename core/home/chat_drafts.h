// ChatDrafts: what an operation does to a chat.
// Turns one operation and the present state of the chat into the events, keys, member rows and row
// changes of an append, or into the answer of an operation that changes nothing. Decides who may do
// what; it never writes, waits or changes the chat: ChatWriter does. Thread rule: belongs to its
// engine.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "core/engine/context.h"
#include "core/home/chat_table.h"

namespace chat {

namespace v1 {
class Event;
class Response;
}  // namespace v1

/// An append being built, and what becomes true when it is stored.
struct Draft {
  AppendEvents command;
  std::vector<SharedEvent> events;
  std::map<UserId, MemberRow> members;  ///< New and changed.
  size_t bytes = 0;
};

class ChatDrafts {
 public:
  explicit ChatDrafts(EngineContext& context) : context_(context) {}

  /// An append to the chat as it is, without events yet.
  static Draft begin(const Chat& chat);
  /// Users whose existence has to be known before the operation can be drafted.
  static std::vector<UserId> users_to_check(const Chat& chat, const ChatOp& op);
  /// Adds the operation to the draft; else the answer to it.
  std::optional<v1::Response> add(const Chat& chat, Draft& draft, const ChatOp& op) const;

 private:
  using Members = std::vector<std::pair<UserId, Role>>;

  std::optional<v1::Response> add_send(const Chat& chat, Draft& draft, const ChatOp& op) const;
  std::optional<v1::Response> add_create(const Chat& chat, Draft& draft, const ChatOp& op) const;
  std::optional<v1::Response> add_change(const Chat& chat, Draft& draft, const ChatOp& op) const;
  void add_member_events(const Chat& chat, Draft& draft, const ChatOp& op, const Members& joined,
                         const std::vector<UserId>& left) const;
  void add_event(const Chat& chat, Draft& draft, v1::Event& event, const ChatOp& op,
                 const std::vector<UserId>& joined = {},
                 const std::vector<UserId>& left = {}) const;

  EngineContext& context_;
};

}  // namespace chat
