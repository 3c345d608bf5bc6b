#include "core/home/chat_lifetime.h"

#include <algorithm>
#include <initializer_list>
#include <memory>

#include "core/wire/peer.pb.h"

namespace chat {
namespace {

/// The earliest of the times that are set; 0 = none is.
int64_t earliest(std::initializer_list<int64_t> times) {
  int64_t first = 0;
  for (int64_t time : times) {
    if (time != 0 && (first == 0 || time < first)) first = time;
  }
  return first;
}

int64_t empty_end_ms(const ChatRow& row, const EnginePolicy& policy) {
  return row.emptied_ms == 0 ? 0 : row.emptied_ms + policy.empty_chat_grace.ms();
}

int64_t due_ms(const ChatRow& row, const EnginePolicy& policy) {
  if (is_gravestone(row)) return 0;
  if (row.ended) return row.prune_ms != 0 ? row.prune_ms : drop_ms(row, policy);
  return earliest({row.expires_ms, empty_end_ms(row, policy), row.prune_ms});
}

}  // namespace

bool may_show(const ShowRule& rule, const v1::Event& event, WallTime now) {
  if (event.has_expired()) return true;
  if (rule.expires_ms != 0 && now.ms >= rule.expires_ms) return false;
  return rule.retention_ms == 0 || now.ms - event.server_ts_ms() <= rule.retention_ms;
}

EndReason end_due(const ChatRow& row, WallTime now, const EnginePolicy& policy) {
  if (row.last_seq == 0 || row.ended) return EndReason::none;
  if (row.expires_ms != 0 && now.ms >= row.expires_ms) return EndReason::ttl;
  const int64_t empty = empty_end_ms(row, policy);
  return empty != 0 && now.ms >= empty ? EndReason::empty : EndReason::none;
}

ChatOp end_operation(EndReason reason) {
  auto request = std::make_shared<peer::HomeRequest>();
  request->mutable_end_chat()->set_reason(reason == EndReason::ttl ? v1::TTL : v1::EMPTY);
  ChatOp op;
  op.request = std::move(request);
  return op;
}

void settle_row(const Chat& chat, ChatRow& row, WallTime now, const EnginePolicy& policy) {
  const ChatRow& before = chat.row;
  const bool is_new = before.last_seq == 0;
  // What is not in every inbox yet still has to be read for that.
  row.oldest_seq = std::max(row.oldest_seq, std::min(chat.prune_to, row.fanned_seq + 1));
  if (chat.prune_next_ms) row.prune_ms = *chat.prune_next_ms;
  if (row.ended) {
    if (!before.ended) row.prune_ms = now.ms;
  } else if (row.retention_ms == 0 || row.oldest_seq > row.last_seq) {
    row.prune_ms = 0;
  } else if (!is_new && row.retention_ms != before.retention_ms) {
    row.prune_ms = now.ms;
  } else if (row.prune_ms == 0) {
    // The first event after everything was pruned; or one that came while that was being stored.
    const bool adds = row.last_seq > before.last_seq;
    row.prune_ms = adds ? row.last_ts_ms + row.retention_ms : now.ms;
  }
  if (row.member_count > 0 || row.kind == ChatKind::direct) {
    row.emptied_ms = 0;
  } else if (row.emptied_ms == 0) {
    row.emptied_ms = now.ms;
  }
  row.due_ms = due_ms(row, policy);
}

int64_t drop_ms(const ChatRow& row, const EnginePolicy& policy) {
  // Nobody is left who could want to hear of it.
  if (row.member_count == 0) return row.last_ts_ms;
  return row.last_ts_ms + policy.ended_chat_grace.ms();
}

}  // namespace chat
