#include "core/home/chat_op.h"

#include "core/base/assert.h"
#include "core/home/operations.h"
#include "core/home/replies.h"
#include "core/wire/peer.pb.h"

namespace chat {
namespace {

constexpr uint32_t kRetryAfterMs = 2'000;

}  // namespace

ChatOp op_of(std::shared_ptr<const peer::HomeRequest> request, const Asker& asker) {
  ChatOp op;
  op.request = std::move(request);
  op.askers.push_back(asker);
  op.key = OpKey::from_bytes(key_bytes_of(*op.request));
  op.content_hash = content_hash_of(*op.request);
  return op;
}

void answer_op(EngineContext& context, const ChatOp& op, const v1::Response& response) {
  if (response.has_error()) ++context.counters.sends_refused;
  for (const Asker& asker : op.askers) {
    peer::Frame frame;
    if (asker.keeper) {
      CHAT_ASSERT(!response.error().temporary());
      frame.mutable_delay_settled()->set_number(asker.request_id);
      frame.mutable_delay_settled()->set_stored(!response.has_error());
    } else {
      frame.mutable_reply()->set_request_id(asker.request_id);
      *frame.mutable_reply()->mutable_response() = response;
    }
    context.post(asker.engine, std::move(frame));
  }
}

v1::Response key_mismatch() {
  return error_response(v1::IDEMPOTENCY_MISMATCH, "this key was used for something else");
}

v1::Response store_unavailable() {
  v1::Response response;
  *response.mutable_error() =
      wire_error(v1::UNAVAILABLE, "the chat store does not answer", kRetryAfterMs);
  return response;
}

}  // namespace chat
