// DeliveryMarks: turns a user's inbox acknowledgements into delivered marks of its chats.
// DELIVERED means the user's first device acknowledged. Marks go to the chat homes and stay here as
// unstored until the chat home says that they are durable; lost homes get them again. Only then may
// the user's delivered_inbox_seq be stored, from which a restarted user home begins. Own messages
// make no delivered mark. Thread rule: belongs to its engine.
#pragma once

#include <cstdint>
#include <optional>

#include "core/engine/context.h"
#include "core/home/user_table.h"

namespace chat {

namespace peer {
class MarksStored;
}

class DeliveryMarks {
 public:
  DeliveryMarks(EngineContext& context, UserTable& users) : context_(context), users_(users) {}

  /// An inbox entry became durable. Entries come in order of inbox_seq; read markers need no call.
  void note_entry(User& user, uint64_t inbox_seq, const ChatId& chat, uint64_t seq, bool own);
  /// A device has everything up to inbox_seq.
  void acknowledged(User& user, uint64_t inbox_seq);
  /// Marks that come from elsewhere, for example Read.
  void raise(User& user, const ChatId& chat, const UnstoredMarks& marks);
  void on_marks_stored(const peer::MarksStored& frame);
  /// The homes of chats may have changed: sends all unstored marks again.
  void resend(User& user);
  /// How far marks are durable, if that moved since it was taken: to be stored.
  static std::optional<uint64_t> take_position(User& user);

 private:
  void advance(User& user);
  void advance_from_recent(User& user);
  void read_missing(User& user);
  void post(const User& user, const ChatId& chat, const UnstoredMarks& marks);

  EngineContext& context_;
  UserTable& users_;
};

}  // namespace chat
