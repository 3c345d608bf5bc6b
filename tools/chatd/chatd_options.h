// ChatdOptions: everything about a chatd that an operator can choose, and how it is read: defaults
// < YAML file < CHATD_* environment < flags. One table names each option once for all three.
// Unknown names are refused with the nearest known one. Reads files and the arguments it is given,
// nothing else. Thread rule: plain values.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/base/error.h"
#include "core/base/time.h"
#include "core/engine/engine.h"
#include "server/transport/address_set.h"
#include "server/transport/listen_socket.h"

namespace chat {

struct ChatdOptions {
  std::string data_dir;
  std::string delay_dir;  ///< Empty: "delay" in data_dir.
  HostPort listen{"127.0.0.1", 8080};
  std::optional<HostPort> admin_listen;  ///< Unset: the host of `listen`, the port after it.
  uint32_t reactors = 0;                 ///< 0 = one per core.
  std::string ready_file;                ///< Empty = none.
  std::string log_level = "info";        ///< trace, debug, info, warn, error, off.
  std::string log_format = "text";       ///< text or json.
  Duration access_token_ttl = seconds(3600);
  Duration refresh_token_ttl = seconds(30 * 24 * 3600);
  uint64_t connections_max = 0;  ///< 0 = what the limit of open files allows.
  uint64_t block_cache_bytes = 256ull << 20;
  uint64_t write_buffers_bytes = 128ull << 20;
  uint32_t store_threads = 4;
  uint32_t account_threads = 2;
  Duration drain_window = seconds(5);
  bool fault_injection = false;
  Duration drain_timeout = seconds(5);
  AddressSet trusted_proxies;  ///< Their X-Forwarded-For is believed.
  std::string journal;  ///< The file of the life-cycle journal; empty = none.
  EnginePolicy policy;

  /// Where the admin port listens.
  HostPort admin_address() const;
};

enum class ChatdAction : uint8_t { run, check_config, print_config, help, version };

struct ChatdCommand {
  ChatdAction action = ChatdAction::run;
  std::string config_file;  ///< Empty = none; SIGHUP reads it again.
  ChatdOptions options;
};

/// Reads a command line (without the program's name) and an environment ("NAME=value").
/// Errors: invalid_argument, one problem per line with its source; not_found for the file.
Result<ChatdCommand> read_chatd_command(const std::vector<std::string>& arguments,
                                        const std::vector<std::string>& environment);

/// The options as a YAML file that reads back the same.
std::string to_yaml(const ChatdOptions& options);
/// What `chatd --help` prints.
std::string chatd_help();

}  // namespace chat
