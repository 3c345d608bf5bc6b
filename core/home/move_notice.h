// MoveNotice: tells new homes of chats and users what they have to read again, for this engine was
// their home before and may have written after the new one read. Joins what goes to one engine into
// one frame. Sends when it is destroyed. Thread rule: belongs to its engine, used within one input.
#pragma once

#include <map>
#include <memory>

#include "core/engine/context.h"

namespace chat {

class MoveNotice {
 public:
  explicit MoveNotice(EngineContext& context);
  ~MoveNotice();
  MoveNotice(const MoveNotice&) = delete;
  MoveNotice& operator=(const MoveNotice&) = delete;

  /// The chat's home reads it again if it has it in memory; an unfinished one, which may have
  /// events that are not fanned out, in any case.
  void add(const ChatId& chat, bool unfinished);
  void add(UserId user);

 private:
  template <class Key>
  peer::Frame* frame_for(const Key& key);

  EngineContext& context_;
  std::map<EngineId, std::unique_ptr<peer::Frame>> frames_;
};

}  // namespace chat
