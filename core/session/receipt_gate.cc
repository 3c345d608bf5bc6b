#include "core/session/receipt_gate.h"

#include <algorithm>
#include <utility>

#include "core/wire/peer.pb.h"

namespace chat {
namespace {

constexpr size_t kAskedAtOnce = 20;
constexpr Duration kAskPause = milliseconds(50);
// A page of receipts has to fit on top of this into the budget of ephemeral frames.
constexpr size_t kQueuedBytesMax = 16 * 1024;

}  // namespace

void ReceiptGate::on_push(const peer::ReceiptPush& frame) {
  for (uint64_t user : frame.users()) {
    for (uint32_t slot : sessions_.of_user(UserId{user})) {
      Session& session = *sessions_.at(slot);
      if (!session.active() || !session.want_receipts) continue;
      const auto& receipts = frame.receipts();
      const bool all_told = std::all_of(receipts.begin(), receipts.end(), [&](const auto& receipt) {
        return receipt.user_id() == user || tell(session, receipt);
      });
      if (!all_told) missed(session, context_.wall.ms);
    }
  }
}

bool ReceiptGate::tell(Session& session, const v1::Receipt& receipt) {
  v1::ServerFrame frame;
  *frame.mutable_receipt() = receipt;
  frame.mutable_receipt()->set_through_ms(session.receipts.through(context_.wall));
  ++context_.counters.receipts_pushed;
  return output_.push(session, frame, SendLane::ephemeral);
}

void ReceiptGate::on_missed(const peer::ReceiptsMissed& frame) {
  for (uint64_t user : frame.users()) {
    for (uint32_t slot : sessions_.of_user(UserId{user})) {
      Session& session = *sessions_.at(slot);
      if (session.active()) missed(session, context_.wall.ms);
    }
  }
}

void ReceiptGate::missed(Session& session, int64_t since_ms) {
  if (!session.want_receipts || session.closing) return;
  ++context_.counters.receipts_missed;
  int64_t& missed_ms = session.receipts.missed_ms;
  since_ms = std::max<int64_t>(since_ms, 1);
  missed_ms = missed_ms == 0 ? since_ms : std::min(missed_ms, since_ms);
  make_due(session);
}

void ReceiptGate::on_live(Session& session) {
  if (!session.receipts.complete()) make_due(session);
}

void ReceiptGate::make_due(Session& session) {
  if (!session.live || session.receipts.asked || std::exchange(session.receipts.due, true)) return;
  due_.push_back(session.conn);
  if (!std::exchange(armed_, true)) context_.arm(kAskPause, TimerKind::receipt_catch_up);
}

/// Some now and the others later: after a storm of reconnects all sessions may be due.
void ReceiptGate::on_timer() {
  armed_ = false;
  for (size_t left = std::min(kAskedAtOnce, due_.size()); left > 0; --left) {
    Session* session = sessions_.find(due_.front());
    due_.pop_front();
    if (!session || !session->active()) continue;
    session->receipts.due = false;
    if (!session->live) continue;  // on_live() brings it back.
    if (session->queue.queued_bytes() > kQueuedBytesMax) {
      make_due(*session);
    } else {
      ask(*session);
    }
  }
  if (!due_.empty() && !std::exchange(armed_, true)) {
    context_.arm(kAskPause, TimerKind::receipt_catch_up);
  }
}

void ReceiptGate::ask(Session& session) {
  ReceiptCatchUp& receipts = session.receipts;
  if (receipts.since_ms == 0) {
    ++context_.counters.receipt_catch_ups;
    receipts.since_ms = std::exchange(receipts.missed_ms, 0);
    receipts.after_chat_id.clear();
  }
  receipts.asked = true;
  peer::HomeRequest request;
  request.set_user(session.user.value);
  request.mutable_receipts_since()->set_since_ms(receipts.since_ms);
  request.mutable_receipts_since()->set_after_chat_id(receipts.after_chat_id);
  requests_.to_user(session.user, std::move(request),
                    [this, conn = session.conn](peer::HomeReply& reply) {
                      Session* asking = sessions_.find(conn);
                      if (asking && asking->active()) answered(*asking, reply);
                    });
}

void ReceiptGate::answered(Session& session, const peer::HomeReply& reply) {
  ReceiptCatchUp& receipts = session.receipts;
  receipts.asked = false;
  const auto& page = reply.receipts();
  const auto told = [&](const v1::Receipt& receipt) { return tell(session, receipt); };
  if (reply.has_receipts() && std::all_of(page.receipts().begin(), page.receipts().end(), told)) {
    receipts.after_chat_id = page.next_after_chat_id();
    if (receipts.after_chat_id.empty()) receipts.since_ms = 0;
  }
  if (!receipts.complete()) make_due(session);
}

}  // namespace chat
