// AdminClient: what a run asks chatd's admin port: readiness, import, tokens, and the chat logs for
// the audit. Blocking; never used while latency is measured, except by the sampler's own thread.
// Thread rule: one thread per client.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/error.h"
#include "core/base/ids.h"
#include "core/base/time.h"
#include "sim/live/http_client.h"

namespace chat::v1 {
class Event;
}  // namespace chat::v1

namespace chat::sim {

struct ServerStatus {
  std::string version;
  int64_t pid = 0;  ///< 0 when the server does not say.
  double cpu_s = 0;
  uint64_t rss_bytes = 0;
};

struct ImportAnswer {
  uint64_t users = 0, chats = 0, members = 0, skipped = 0;
};

/// How far a chat's log goes, and how far it has reached its members' inboxes.
struct ChatHead {
  uint64_t last_seq = 0;
  uint64_t fanned_seq = 0;
};

class AdminClient {
 public:
  explicit AdminClient(const Endpoint& endpoint, Duration timeout = seconds(120))
      : http_(endpoint, timeout) {}

  void set_endpoint(const Endpoint& endpoint) { http_.set_endpoint(endpoint); }
  Result<ServerStatus> status();
  /// The beginnings of addresses that have no rate limits, with commas.
  Result<std::string> trusted_sources();
  /// `lines`: JSON lines. Errors: invalid_argument with the first line that was refused.
  Result<ImportAnswer> import(std::string lines);
  /// One access token per user, in their order.
  Result<std::vector<std::string>> tokens(std::span<const UserId> users, Duration ttl);
  /// nullopt when there is no such chat.
  Result<std::optional<ChatHead>> chat_head(const ChatId& chat);
  /// All events of a chat, ascending. False when there is no such chat.
  Result<bool> read_log(const ChatId& chat, const std::function<void(const v1::Event&)>& each);

 private:
  /// The body of a 200; nullopt for 404; other statuses are errors with the server's message.
  Result<std::optional<std::string>> get(const std::string& path);

  HttpClient http_;
};

}  // namespace chat::sim
