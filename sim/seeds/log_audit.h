// LogAudit: reads the whole store after a run. Gives the chat logs to the oracle and other
// judges as the truth, and checks what has to hold among the rows themselves: dense seqs and inbox
// positions, every key once, nothing pending, every position as the devices saw it. Thread rule:
// none.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "core/store/chat_store.h"
#include "sim/oracle/oracle.h"
#include "sim/seeds/inbox_ledger.h"
#include "sim/seeds/log_keeper.h"
#include "sim/seeds/retention_watch.h"

namespace chat::v1 {
class Event;
}

namespace chat::sim {

/// Is given every event of every log, ascending in each chat.
using EventReader = std::function<void(const ChatId&, const v1::Event&)>;

struct AuditScene {
  ChatStore& store;
  const LogKeeper& keeper;  ///< Of the same store: what was pruned.
  uint64_t users = 0;       ///< Whose inboxes are looked at: 1 … users.
  WallTime now;
  const RetentionWatch& retention;
};

/// Adds a line to `violations` for everything that is wrong.
void audit_store(const AuditScene& scene, Oracle& oracle, InboxLedger& ledger,
                 const EventReader& reader, std::vector<std::string>& violations);

}  // namespace chat::sim
