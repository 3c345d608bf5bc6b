// ChatDrafts: what an operation does to a chat.
// Turns one operation and the present state of the chat into the events, keys, member rows and row
// changes of an append, or into the answer of an operation that changes nothing. Decides who may do
// what; it never writes, waits or changes the chat: ChatWriter does. Thread rule: belongs to its
// engine.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <vector>

#include "core/engine/context.h"
#include "core/home/chat_table.h"
#include "core/home/member_change.h"

namespace chat {

namespace v1 {
class Event;
class Response;
enum ExpiryReason : int;
}  // namespace v1

/// An append being built, and what becomes true when it is stored.
struct Draft {
  AppendEvents command;
  std::vector<SharedEvent> events;
  std::map<UserId, MemberRow> members;  ///< New and changed.
  size_t bytes = 0;
  std::optional<int64_t> prune_next_ms;  ///< What the row took of Chat::prune_next_ms.
};

/// Users that an event makes members, and members that it ends.
struct Membership {
  std::vector<UserId> joined;
  std::vector<UserId> left;
};

class ChatDrafts {
 public:
  explicit ChatDrafts(EngineContext& context) : context_(context) {}

  /// An append to the chat as it is, without events yet.
  static Draft begin(const Chat& chat);
  /// Users whose existence has to be known before the operation can be drafted.
  static std::vector<UserId> users_to_check(const Chat& chat, const ChatOp& op);
  /// The event that has to be read, into op.target, before the operation can be drafted; what was
  /// read is of use only while the chat's last_seq is op.read_at.
  static std::optional<uint64_t> event_to_read(const Chat& chat, const Draft& draft,
                                               const ChatOp& op);
  /// Whether everybody has to have what is stored before the operation can be drafted.
  static bool waits_for_fan_out(const Chat& chat, const ChatOp& op);
  /// Adds the operation to the draft; else the answer to it.
  std::optional<v1::Response> add(const Chat& chat, Draft& draft, const ChatOp& op) const;

 private:
  std::optional<v1::Response> add_send(const Chat& chat, Draft& draft, const ChatOp& op) const;
  std::optional<v1::Response> add_create(const Chat& chat, Draft& draft, const ChatOp& op) const;
  std::optional<v1::Response> add_member_change(const Chat& chat, Draft& draft,
                                                const ChatOp& op) const;
  std::optional<v1::Response> add_update(const Chat& chat, Draft& draft, const ChatOp& op) const;
  std::optional<v1::Response> add_deletion(const Chat& chat, Draft& draft, const ChatOp& op) const;
  std::optional<v1::Response> add_own_end(const Chat& chat, Draft& draft, const ChatOp& op) const;
  std::optional<v1::Response> add_message_change(const Chat& chat, Draft& draft,
                                                 const ChatOp& op) const;
  void add_end(const Chat& chat, Draft& draft, const ChatOp& op, v1::ExpiryReason reason) const;
  void add_member_events(const Chat& chat, Draft& draft, const ChatOp& op,
                         const MemberSteps& steps) const;
  void add_event(const Chat& chat, Draft& draft, v1::Event& event, const ChatOp& op,
                 const Membership& changed = {}) const;

  EngineContext& context_;
};

}  // namespace chat
