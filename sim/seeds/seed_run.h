// SeedRun: one random world from one seed. Users with devices, direct chats, groups and rooms on
// several engines; operations and faults; then the faults stop, everything becomes quiet, every
// device reconnects and reads to its head, and the run is judged: by the oracle against the chat
// logs, and the logs and inboxes against themselves. Thread rule: one thread per run.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/store/chat_store.h"
#include "core/store/delay_log.h"
#include "sim/oracle/oracle.h"
#include "sim/seeds/rare_paths.h"

namespace chat::sim {

struct SeedOptions {
  uint64_t seed = 1;
  int operations = 320;
  std::vector<int> engines_of_process = {};  ///< Empty = drawn from the seed, three or more in all.
  bool faults = true;
  /// Networks, disks and processors are modelled, as drawn from the seed; else delays are uniform.
  bool models = false;
  /// Makes the store that survives crashes; a MemoryChatStore when empty. For planted bugs.
  std::function<std::unique_ptr<ChatStore>(uint64_t epoch)> make_store = {};
  /// Makes the delay log of a process; a MemoryDelayLog when empty. For planted bugs.
  std::function<std::unique_ptr<DelayLog>()> make_delay_log = {};
  std::function<void(ChatStore&)> on_crash = {};  ///< For planted bugs.
  std::function<void(std::string&)> tamper = {};  ///< For planted bugs, see WorldOptions.
};

struct SeedResult {
  OracleReport oracle;
  std::vector<std::string> violations;  ///< What is wrong beside the oracle's findings.
  uint64_t digest = 0;                  ///< Over every output of every engine.
  uint64_t turns = 0;
  uint64_t crashes = 0;
  RarePathCounts rare_paths;
  std::string setting;  ///< What the seed drew, for people.

  bool passed() const { return violations.empty() && oracle.clean(); }
  /// The findings, a few lines.
  std::string describe() const;
};

SeedResult run_seed(const SeedOptions& options);

}  // namespace chat::sim
