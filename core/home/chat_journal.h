// The life-cycle journal of chats: who made, entered and left them, who was banned, and how they
// ended. A chat home tells it when the event is stored, in the order of the chat; what it may not
// have told before a crash, the next home tells again. Owns nothing. Thread rule: belongs to its
// engine.
#pragma once

#include <vector>

#include "core/engine/context.h"
#include "core/home/chat_table.h"

namespace chat {

/// Emits what these events, which are stored, mean for the journal.
void tell_journal(EngineContext& context, Chat& chat, const std::vector<SharedEvent>& events);

}  // namespace chat
