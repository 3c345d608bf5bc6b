// The audit: reads every chat log of a run over the admin port and tells the oracle the truth.
// Thread rule: one thread.
#pragma once

#include <functional>

#include "core/base/error.h"
#include "sim/live/admin_client.h"
#include "sim/live/roster.h"
#include "sim/oracle/oracle.h"

namespace chat::sim {

/// `progress` is called with the number of chats read so far. Errors: those of the admin port.
Status audit_logs(AdminClient& admin, const Roster& roster, Oracle& oracle,
                  const std::function<void(uint32_t)>& progress);

}  // namespace chat::sim
