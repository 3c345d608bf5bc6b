// DelayLog: the narrow port behind which a node keeps the sends that it answered DELAYED, until
// they are in their chats' logs. The engine emits DelayCommands and gets DelayDone back; what was
// in the log when the process began comes as the Input DelayLoaded, before the ring. Drivers
// execute commands on an implementation: a file in server/, memory in sim/. Thread rule:
// implementations are used by one thread at a time.
#pragma once

#include <compare>
#include <cstdint>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "core/base/error.h"
#include "core/base/ids.h"

namespace chat {

/// Names an entry: the life of the engine that entered it, and its number there.
struct DelayKey {
  EngineRef engine;
  uint64_t number = 0;
  constexpr auto operator<=>(const DelayKey&) const = default;
};

struct DelayEntry {
  DelayKey key;
  ChatId chat;
  std::string request;  ///< An encoded chat.peer.HomeRequest with a Send.
  bool operator==(const DelayEntry&) const = default;
};

/// Enters all or nothing. Nobody is answered before it is durable.
struct DelayAppend {
  std::vector<DelayEntry> entries;
};
/// Forgets entries; one that is not there is no error. It may come back after a crash.
struct DelayRemove {
  std::vector<DelayKey> keys;
};
/// Commands of one engine execute in the order in which they were emitted.
using DelayCommand = std::variant<DelayAppend, DelayRemove>;

class DelayLog {
 public:
  virtual ~DelayLog() = default;

  /// Executes commands in order; when it returns, every append that is answered without an error is
  /// durable (one sync for all). An error changed nothing for certain.
  virtual std::vector<Status> write(std::span<const DelayCommand> commands) = 0;
  /// Every entry, in the order of entering. Error corrupt names the place and the remedy.
  virtual Result<std::vector<DelayEntry>> load() = 0;
};

/// Which of a process's engines takes which loaded entries: the home of the chat among them, so
/// that a send that comes after the restart finds the older ones there. One list per engine of
/// `engines`.
std::vector<std::vector<DelayEntry>> share_delayed(std::vector<DelayEntry> entries,
                                                   const std::vector<EngineRef>& engines);

}  // namespace chat
