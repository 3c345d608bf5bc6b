#include "core/session/home_requests.h"

#include "core/home/operations.h"
#include "core/home/replies.h"
#include "core/wire/peer.pb.h"

namespace chat {
namespace {

constexpr Duration kSweepInterval = seconds(1);

}  // namespace

void HomeRequests::to_chat(const ChatId& chat, peer::HomeRequest&& request, Done done) {
  add({std::make_unique<peer::HomeRequest>(std::move(request)),
       std::move(done),
       chat,
       {},
       {},
       {},
       false});
}

void HomeRequests::to_user(UserId user, peer::HomeRequest&& request, Done done) {
  add({std::make_unique<peer::HomeRequest>(std::move(request)),
       std::move(done),
       std::nullopt,
       user,
       {},
       {},
       false});
}

void HomeRequests::add(Pending pending) {
  const uint64_t id = next_id_++;
  pending.request->set_request_id(id);
  pending.deadline = context_.now + context_.policy().request_timeout;
  send(pending_.emplace(id, std::move(pending)).first->second);
}

std::optional<EngineId> HomeRequests::home_of(const Pending& pending) const {
  return pending.chat ? context_.home_of(*pending.chat) : context_.home_of(pending.user);
}

void HomeRequests::send(Pending& pending) {
  pending.repeated = pending.repeated || pending.sent_to;
  pending.sent_to = home_of(pending).value_or(EngineId{});
  if (!pending.sent_to) return;  // The next ring sends it.
  peer::Frame frame;
  *frame.mutable_request() = *pending.request;
  context_.post(pending.sent_to, std::move(frame));
}

void HomeRequests::on_reply(EngineId from, peer::HomeReply& reply) {
  const auto found = pending_.find(reply.request_id());
  if (found == pending_.end() || found->second.sent_to != from) return;
  const Pending& pending = found->second;
  if (pending.repeated && !key_bytes_of(*pending.request).empty() && reply.response().has_error() &&
      !reply.response().error().temporary()) {
    // Another copy may have been stored, or still be: only the key can tell.
    *reply.mutable_response() = error_response(
        v1::UNAVAILABLE, "the chat's home moved; the same key again tells what became of it");
  }
  finish(found->first, reply);
}

void HomeRequests::finish(uint64_t id, peer::HomeReply& reply) {
  const auto found = pending_.find(id);
  const Done done = std::move(found->second.done);
  pending_.erase(found);
  done(reply);
}

void HomeRequests::resend(std::optional<EngineId> lost) {
  for (auto& [id, pending] : pending_) {
    const bool moved = home_of(pending).value_or(EngineId{}) != pending.sent_to;
    if (moved || pending.sent_to == lost) send(pending);
  }
}

void HomeRequests::start() { context_.arm(kSweepInterval, TimerKind::request_sweep); }

void HomeRequests::on_sweep_timer() {
  // Deadlines ascend with the ids, for all requests have the same time.
  while (!pending_.empty() && pending_.begin()->second.deadline <= context_.now) {
    peer::HomeReply reply;
    *reply.mutable_response() = error_response(
        v1::UNAVAILABLE, "no answer in time; the same key again tells what became of it");
    finish(pending_.begin()->first, reply);
  }
  context_.arm(kSweepInterval, TimerKind::request_sweep);
}

}  // namespace chat
