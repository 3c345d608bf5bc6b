// The audit: reads every chat log of a run over the admin port and tells the oracle the truth.
// In a run that changes messages it also compares what every device shows. Thread rule: one thread.
#pragma once

#include <functional>

#include "core/base/error.h"
#include "sim/live/admin_client.h"
#include "sim/live/known_messages.h"
#include "sim/live/roster.h"
#include "sim/oracle/oracle.h"

namespace chat::sim {

/// `known`: what devices show is compared with the logs, too; may be null. `progress` is called
/// with the number of chats read so far. Errors: those of the admin port.
Status audit_logs(AdminClient& admin, const Roster& roster, Oracle& oracle,
                  const KnownMessages* known, const std::function<void(uint32_t)>& progress);

}  // namespace chat::sim
