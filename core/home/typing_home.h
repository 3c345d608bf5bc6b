// TypingHome: who types in the chats whose home this engine is.
// A member may say so once per kTypingInterval and chat; what comes sooner, or from somebody else,
// is ignored. Direct chats and groups are told by way of the members' user homes, small rooms
// through the engines that follow them. It keeps nothing else and answers nobody. Thread rule:
// belongs to its engine.
#pragma once

#include <deque>
#include <set>
#include <utility>

#include "core/engine/context.h"
#include "core/home/chat_table.h"
#include "core/home/user_table.h"

namespace chat {

namespace peer {
class TypingFanOut;
class TypingNotice;
}  // namespace peer

class TypingHome {
 public:
  TypingHome(EngineContext& context, ChatTable& chats) : context_(context), chats_(chats) {}

  void on_notice(const peer::TypingNotice& frame);

 private:
  using Typist = std::pair<ChatId, UserId>;

  bool too_soon(const Typist& typist);
  void tell(const Chat& chat, UserId author);

  EngineContext& context_;
  ChatTable& chats_;
  std::set<Typist> recent_;
  std::deque<std::pair<Instant, Typist>> by_time_;  ///< Those in recent_, oldest first.
};

/// At a user home: on to the engines with devices of these users that want it.
void relay_typing(EngineContext& context, UserTable& users, const peer::TypingFanOut& frame);

}  // namespace chat
