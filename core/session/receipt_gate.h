// ReceiptGate: brings receipts to the sessions that want them, and tells again what a session may
// have missed: while it was away, because too much waited for it, or because a link between engines
// ended. Then it asks the user home for the marks of the chats whose receipts changed since, page
// by page, few sessions at a time, and only when a session is live and has room. Owns the list of
// those that wait. Thread rule: belongs to its engine.
#pragma once

#include <cstdint>
#include <deque>

#include "core/engine/context.h"
#include "core/session/home_requests.h"
#include "core/session/session_output.h"
#include "core/session/session_table.h"

namespace chat {

namespace peer {
class ReceiptPush;
class ReceiptsMissed;
}  // namespace peer
namespace v1 {
class Receipt;
}

class ReceiptGate {
 public:
  ReceiptGate(EngineContext& context, SessionTable& sessions, SessionOutput& output,
              HomeRequests& requests)
      : context_(context), sessions_(sessions), output_(output), requests_(requests) {}

  void on_push(const peer::ReceiptPush& frame);
  /// These users may have missed what was told just now.
  void on_missed(const peer::ReceiptsMissed& frame);
  /// Receipts since this wall time may be missing: they are told again once the session is live.
  void missed(Session& session, int64_t since_ms);
  void on_live(Session& session);
  void on_timer();

 private:
  bool tell(Session& session, const v1::Receipt& receipt);
  void make_due(Session& session);
  void ask(Session& session);
  void answered(Session& session, const peer::HomeReply& reply);

  EngineContext& context_;
  SessionTable& sessions_;
  SessionOutput& output_;
  HomeRequests& requests_;
  std::deque<ConnId> due_;  ///< They have something to be told again.
  bool armed_ = false;
};

}  // namespace chat
