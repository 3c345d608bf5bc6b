// The values of the stored rows. FROZEN: fields stand in this order, another order or another field
// needs another format byte. A row is that byte (1) and then LEB128 numbers; text is its length and
// its bytes; a chat id 16 bytes. Facts that the key tells are not repeated. Thread rule: plain
// functions.
#pragma once

#include <string>
#include <string_view>

#include "core/store/chat_store.h"

namespace chat::rocks {

std::string encode(const ChatRow& row);
std::string encode(const MemberRow& row);
std::string encode(const KeyRow& row);
std::string encode(const InboxRow& row);
std::string encode(const UserChatRow& row);
std::string encode(const UserRow& row);
std::string encode(const DeviceRow& row);

/// Fill all fields but those that the key tells; false when the bytes do not decode.
bool decode(std::string_view bytes, ChatRow& row);
bool decode(std::string_view bytes, MemberRow& row);
bool decode(std::string_view bytes, KeyRow& row);
bool decode(std::string_view bytes, InboxRow& row);
bool decode(std::string_view bytes, UserChatRow& row);
bool decode(std::string_view bytes, UserRow& row);
bool decode(std::string_view bytes, DeviceRow& row);

}  // namespace chat::rocks
