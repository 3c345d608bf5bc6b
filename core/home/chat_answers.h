// What a chat home answers about a chat: acknowledgements and descriptions.
// Own nothing. Thread rule: pure functions.
#pragma once

#include <cstdint>
#include <string>

#include "core/home/chat_table.h"
#include "core/wire/chat.pb.h"

namespace chat {

v1::Response send_ack(const ChatId& chat, const std::string& client_msg_id, uint64_t seq,
                      int64_t ts, v1::SendStatus status);

/// What GetChat and changes answer. Of very many members those who left are not told.
void fill_chat_info(const Chat& chat, v1::ChatInfo& out, bool with_members);

/// The answer to a change; without the members where they are many, else a room that fills would
/// cost the square of its size.
v1::Response chat_info(const Chat& chat);

}  // namespace chat
