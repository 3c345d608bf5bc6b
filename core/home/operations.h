// What the requests to a chat home have in common: the chat, the key, the content and the kind of
// answer. Own nothing. Thread rule: pure functions.
#pragma once

#include <cstdint>
#include <string>

namespace chat {

namespace peer {
class HomeRequest;
}

/// The chat_id field; empty when the request concerns no chat.
std::string chat_id_of(const peer::HomeRequest& request);
/// client_msg_id or client_op_id; empty when there is none.
std::string key_bytes_of(const peer::HomeRequest& request);
/// What makes two operations with one key the same operation.
uint64_t content_hash_of(const peer::HomeRequest& request);
/// Whether it is answered by a SendAck: sends, edits, deletions and reactions.
bool is_acknowledged(const peer::HomeRequest& request);

}  // namespace chat
