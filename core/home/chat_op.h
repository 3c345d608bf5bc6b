// Making and answering the operations that a chat home writes.
// Own nothing. Thread rule: pure functions but for the frames that they post.
#pragma once

#include <memory>

#include "core/engine/context.h"
#include "core/home/chat_table.h"

namespace chat {

namespace v1 {
class Response;
}

/// A request as an operation: with its key and what it says.
ChatOp op_of(std::shared_ptr<const peer::HomeRequest> request, const Asker& asker);

/// Answers everyone who waits for the operation. A keeper is only told what is final: that the send
/// is stored, or never can be.
void answer_op(EngineContext& context, const ChatOp& op, const v1::Response& response);

/// The refusal of an operation whose key is that of another one.
v1::Response key_mismatch();
/// The refusal of an operation or a read that the store holds up.
v1::Response store_unavailable();

}  // namespace chat
