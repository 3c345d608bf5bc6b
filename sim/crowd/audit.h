// The audit: reads every chat log of a run and tells the oracle the truth.
// In a run that changes messages it also compares what every device shows. Thread rule: one thread.
#pragma once

#include <functional>

#include "core/base/error.h"
#include "sim/crowd/known_messages.h"
#include "sim/crowd/roster.h"
#include "sim/oracle/oracle.h"

namespace chat::v1 {
class Event;
}  // namespace chat::v1

namespace chat::sim {

/// Calls its second argument with all events of a chat, ascending. False when there is no such
/// chat.
using LogReader =
    std::function<Result<bool>(const ChatId&, const std::function<void(const v1::Event&)>&)>;

/// `known`: what devices show is compared with the logs, too; may be null. `progress` is called
/// with the number of chats read so far. Errors: those of `read`.
Status audit_logs(const LogReader& read, const Roster& roster, Oracle& oracle,
                  const KnownMessages* known, const std::function<void(uint32_t)>& progress);

}  // namespace chat::sim
