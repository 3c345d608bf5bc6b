// Checks of operations before they go to a home, the same for WebSocket frames and REST bodies.
// Each answers the home's key, or the wire error that the client gets. Pure functions. Thread rule:
// none.
#pragma once

#include <string>
#include <variant>

#include "core/base/ids.h"
#include "core/engine/engine.h"
#include "core/wire/chat.pb.h"

namespace chat {

template <class T>
using Checked = std::variant<T, v1::Error>;

/// The chat of a send; fills chat_id in when it names a peer user.
Checked<ChatId> check_send(const EnginePolicy& policy, const RuntimeLimits& limits, UserId user,
                           v1::Send& send);
/// Any operation that only names a chat.
Checked<ChatId> check_chat_id(const std::string& chat_id);
/// Whether events may be kept, or a chat may last, so long; 0 = for ever.
bool is_valid_time_kept(int64_t ms);
Checked<ChatId> check_create(UserId user, const ChatId& fresh_id, v1::CreateChat& create);
Checked<ChatId> check_edit(const EnginePolicy& policy, const v1::Edit& edit);
Checked<ChatId> check_delete(const v1::Delete& deletion);
Checked<ChatId> check_react(const v1::React& react);
Checked<ChatId> check_members(const v1::ChangeMembers& change);
Checked<ChatId> check_update(const v1::UpdateChat& update);
Checked<ChatId> check_end(const v1::DeleteChat& end);

}  // namespace chat
