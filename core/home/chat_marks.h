// ChatMarks: delivered and read marks of the members of a chat, and receipts.
// Marks only rise. They live in the member rows, are written with the chat's next batch or alone
// after mark_flush, and only then confirmed to the user home. In chats of few members they are
// pushed to the others, joined over receipt_join. Thread rule: belongs to its engine.
#pragma once

#include <functional>
#include <vector>

#include "core/engine/context.h"
#include "core/home/chat_table.h"

namespace chat {

namespace peer {
class MarksUpdate;
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
  void stored(const Chat& chat, const std::vector<Taken>& taken);
  void on_receipts_timer(Chat& chat);

 private:
  void answer(EngineId to, const Chat& chat, const MemberRow& member);

  EngineContext& context_;
};

}  // namespace chat
