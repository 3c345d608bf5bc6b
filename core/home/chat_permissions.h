// Who may do what in a chat: one table.
// Knows neither chats nor requests, only standings. Thread rule: pure functions.
#pragma once

#include <cstdint>

#include "core/store/chat_store.h"

namespace chat {

/// How somebody stands to a chat. A higher one may do what a lower one may, if the table says
/// nothing else.
enum class Standing : uint8_t { stranger, member, admin, owner, operator_ };

enum class ChatAction : uint8_t {
  write,           ///< Send, edit or delete own messages, react.
  delete_message,  ///< Of somebody else.
  join,            ///< Oneself.
  leave,           ///< Oneself.
  add,             ///< Somebody else.
  remove,          ///< Somebody else.
  ban,
  unban,
  set_role,
  update,  ///< Title and other settings.
  end,     ///< The chat as a whole.
};

struct Permission {
  ChatKind kind = ChatKind::none;
  Standing actor = Standing::stranger;
  /// Of the user whom the action is about, as far as there is one.
  Standing target = Standing::stranger;
};

/// Whether an actor of this standing may do it in a chat of this kind.
bool is_permitted(ChatAction action, const Permission& permission);

Standing standing_of(Role role);

}  // namespace chat
