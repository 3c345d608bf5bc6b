#include "core/session/session_output.h"

#include <algorithm>

#include "core/wire/chat.pb.h"
#include "core/wire/frame_codec.h"

namespace chat {

bool SessionOutput::push(Session& session, SharedBytes bytes, SendLane lane) {
  if (session.closing) return false;
  const SendBudget budget{.ephemeral_bytes_max = context_.policy().ephemeral_bytes_max,
                          .durable_bytes_max = context_.policy().durable_bytes_max,
                          .queue_bytes_max = context_.policy().queue_bytes_max};
  switch (session.queue.push(context_.now, std::move(bytes), lane, budget)) {
    case SendVerdict::queued:
      ++context_.counters.frames_out;
      mark_due(session);
      return true;
    case SendVerdict::dropped:
      ++(lane == SendLane::ephemeral ? context_.counters.ephemeral_dropped
                                     : context_.counters.durable_dropped);
      return false;
    case SendVerdict::now_lagged:
      ++context_.counters.durable_dropped;
      ++context_.counters.slow_readers_lagged;
      lag_everything(session);
      return false;
    case SendVerdict::overflow:
      ++context_.counters.slow_reader_overflows;
      close(session, CloseCode::slow_reader, "too much waits for this reader");
      return false;
  }
  return false;
}

bool SessionOutput::push(Session& session, const v1::ServerFrame& frame, SendLane lane) {
  return push(
      session,
      std::make_shared<const std::string>(wire::encode_server_frame(session.encoding, frame)),
      lane);
}

void SessionOutput::error(Session& session, uint32_t reply_to, const v1::Error& error) {
  v1::ServerFrame frame;
  frame.set_reply_to(reply_to);
  *frame.mutable_error() = error;
  push(session, frame, SendLane::control);
}

void SessionOutput::lag_inbox(Session& session) {
  if (!session.live) return;
  session.live = false;
  ++context_.counters.lagged;
  v1::ServerFrame frame;
  frame.mutable_lagged()->set_from_inbox_seq(session.pushed_through + 1);
  push(session, frame, SendLane::control);
}

void SessionOutput::lag_room(Session& session, RoomView& room) {
  if (!room.live) return;
  room.live = false;
  ++context_.counters.lagged;
  v1::ServerFrame frame;
  v1::LaggedRoom& lagged = *frame.mutable_lagged()->add_rooms();
  lagged.set_chat_id(room.chat.str());
  lagged.set_from_seq(room.pushed_through + 1);
  push(session, frame, SendLane::control);
}

void SessionOutput::lag_everything(Session& session) {
  v1::ServerFrame frame;
  v1::Lagged& lagged = *frame.mutable_lagged();
  if (std::exchange(session.live, false)) {
    lagged.set_from_inbox_seq(session.pushed_through + 1);
  }
  for (RoomView& room : session.rooms) {
    if (!std::exchange(room.live, false)) continue;
    lagged.add_rooms()->set_chat_id(room.chat.str());
    lagged.mutable_rooms()->rbegin()->set_from_seq(room.pushed_through + 1);
  }
  ++context_.counters.lagged;
  push(session, frame, SendLane::control);
}

void SessionOutput::close(Session& session, CloseCode code, std::string reason) {
  if (std::exchange(session.closing, true)) return;
  if (closing_) closing_(session, code);
  // What is due goes out before the close, as far as the connection is free to take it.
  write(session);
  context_.emit(Close{session.conn, code, std::move(reason)});
}

void SessionOutput::mark_due(Session& session) {
  if (std::exchange(session.due, true)) return;
  due_.push_back(session.slot);
}

void SessionOutput::on_sent(Session& session) {
  session.queue.sent(context_.now);
  if (!session.queue.empty()) mark_due(session);
}

void SessionOutput::on_stall_timer(Session& session) {
  session.stall_armed = false;
  const Instant deadline = session.queue.stall_deadline();
  if (deadline <= context_.now) {
    ++context_.counters.slow_reader_stalls;
    close(session, CloseCode::slow_reader, "no progress for 10 s");
  } else if (deadline != kNever) {
    session.stall_armed = true;
    context_.arm(deadline - context_.now, TimerKind::stall_check, session.conn.value);
  }
}

void SessionOutput::end_turn() {
  for (uint32_t slot : std::exchange(due_, {})) {
    Session* session = sessions_.at(slot);
    if (!session) continue;
    session->due = false;
    if (session->closing || !write(*session) || std::exchange(session->stall_armed, true)) continue;
    context_.arm(SendQueue::kStallMax, TimerKind::stall_check, session->conn.value);
  }
}

bool SessionOutput::write(Session& session) {
  const wire::BatchFraming framing = wire::server_batch_framing(session.encoding);
  auto bytes = session.queue.take({framing.prefix, framing.separator, framing.suffix});
  if (!bytes) return false;
  ++context_.counters.writes_out;
  context_.counters.bytes_out += bytes->size();
  context_.emit(Send{session.conn, std::move(bytes)});
  return true;
}

}  // namespace chat
