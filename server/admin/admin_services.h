// AdminServices: what the admin port shows and operates. References only; everything outlives the
// server. Thread rule: plain value.
#pragma once

#include <atomic>
#include <functional>
#include <string>

#include "core/base/time.h"
#include "core/store/chat_store.h"
#include "server/accounts/account_store.h"
#include "server/accounts/job_pool.h"
#include "server/accounts/token_service.h"
#include "server/faults/faults.h"
#include "server/journal/journal_file.h"
#include "server/reactor/reactor_group.h"
#include "server/store/store_service.h"

namespace chat {

struct AdminServices {
  ReactorGroup& reactors;
  ChatStore& store;
  StoreService& store_service;
  AccountStore& accounts;
  TokenService& tokens;
  JobPool& pool;
  const std::atomic<bool>& ready;
  std::string version;
  std::string store_kind;
  const JournalFile* journal;               ///< nullptr = none is kept.
  Instant started;                          ///< On the monotonic clock.
  std::function<void(const Drain&)> drain;  ///< Sends all clients away; any thread.
  Faults* faults = nullptr;                 ///< Only with --fault-injection.
};

}  // namespace chat
