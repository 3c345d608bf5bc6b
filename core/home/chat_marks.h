// ChatMarks: delivered and read marks of the members of a chat, and receipts.
// Marks only rise. They live in the member rows, are written with the chat's next batch or alone
// after mark_flush, and only then confirmed to the user home. In chats of few members the others
// are then told, joined over receipt_join: what is told is stored, so whoever may have missed it
// finds it there. Thread rule: belongs to its engine.
#pragma once

#include <functional>
#include <vector>

#include "core/engine/context.h"
#include "core/home/chat_table.h"

namespace chat {

namespace peer {
class MarksUpdate;
}
namespace v1 {
class ReceiptSummary;
}

class ChatMarks {
 public:
  /// Marks that one append makes durable, and who is told then.
  struct Taken {
    MemberRow member;
    std::set<EngineId> askers;
  };

  explicit ChatMarks(EngineContext& context) : context_(context) {}

  /// `arm_flush` makes sure that raised marks are stored soon.
  void raise(Chat& chat, EngineId from, const peer::MarksUpdate& frame,
             const std::function<void(Chat&)>& arm_flush);
  /// The marks that go into the next append; they are no longer dirty.
  std::vector<Taken> take(Chat& chat);
  /// The append failed: they are dirty again.
  void put_back(Chat& chat, const std::vector<Taken>& taken);
  void stored(Chat& chat, const std::vector<Taken>& taken);
  void on_receipts_timer(Chat& chat);
  /// Homes changed or a link ended: what was told shortly before may be lost.
  void tell_again(Chat& chat);

  /// Whether the members of a chat are told each other's marks.
  bool are_told(const ChatRow& row) const;
  /// The row is stored with new marks.
  void stamp(ChatRow& row) const;
  /// How far the message `seq` of `author` has come.
  void summarize(const Chat& chat, uint64_t seq, UserId author, v1::ReceiptSummary& out) const;

 private:
  void tell_due(Chat& chat);
  void tell(const Chat& chat, const std::set<UserId>& users);
  void answer(EngineId to, const Chat& chat, const MemberRow& member);

  EngineContext& context_;
};

}  // namespace chat
