// The rules of a chat's life: how long an event is shown, when a chat ends by itself, and when its
// home has to look at it again. A chat that ends tells so by one last event; everything before is
// pruned with it, and nothing follows. Owns nothing. Thread rule: pure functions, values.
#pragma once

#include <cstdint>
#include <optional>

#include "core/base/time.h"
#include "core/engine/engine.h"
#include "core/home/chat_table.h"
#include "core/store/chat_store.h"

namespace chat {

namespace v1 {
class Event;
}

/// What decides, beside the time, whether an event of a chat may be shown: of its row.
struct ShowRule {
  int64_t retention_ms = 0;
  int64_t expires_ms = 0;
};

/// Whether an event may still be shown: it is not older than the retention, and the time of a
/// temporary chat has not come. The event that tells the end always may.
bool may_show(const ShowRule& rule, const v1::Event& event, WallTime now);

/// Why a chat has to end now by itself.
enum class EndReason : uint8_t { none, ttl, empty };
EndReason end_due(const ChatRow& row, WallTime now, const EnginePolicy& policy);

/// The operation by which a chat ends itself. It changes nothing when its reason is gone.
ChatOp end_operation(EndReason reason);

/// Completes the row of an append to `chat`: since when nobody is a member, from where on it is
/// read, when it has to be pruned, and when it is due.
void settle_row(const Chat& chat, ChatRow& row, WallTime now, const EnginePolicy& policy);

/// Wall time from which on a chat that is over may be dropped.
int64_t drop_ms(const ChatRow& row, const EnginePolicy& policy);

/// Whether everything of a chat is gone but its gravestone.
inline bool is_gravestone(const ChatRow& row) { return row.ended && row.oldest_seq > row.last_seq; }

}  // namespace chat
