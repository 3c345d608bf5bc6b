// HomeRequests: what this engine asked of chat homes and user homes and has no answer to yet.
// Every operation is idempotent; when a home is lost or moves, all of its unanswered requests are
// sent again in the order in which they were made, so one sender's sends keep their order. Thread
// rule: belongs to its engine.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>

#include "core/engine/context.h"

namespace chat {

namespace peer {
class HomeReply;
class HomeRequest;
}  // namespace peer

class HomeRequests {
 public:
  /// Runs once with the answer, or with a temporary error when none came in time.
  using Done = std::function<void(peer::HomeReply&)>;

  explicit HomeRequests(EngineContext& context)
      : context_(context), next_id_(context.first_number()) {}

  void to_chat(const ChatId& chat, peer::HomeRequest&& request, Done done);
  void to_user(UserId user, peer::HomeRequest&& request, Done done);
  /// Only the home that was asked last answers; a former one may not know what the new one will do.
  void on_reply(EngineId from, peer::HomeReply& reply);

  /// Sends again what waits for `lost`, or for a home that moved.
  void resend(std::optional<EngineId> lost);
  void start();
  void on_sweep_timer();

 private:
  struct Pending {
    std::unique_ptr<peer::HomeRequest> request;
    Done done;
    std::optional<ChatId> chat;  ///< Else the home of `user`.
    UserId user;
    EngineId sent_to;
    Instant deadline;
    bool repeated = false;  ///< Another copy may still be under way.
  };

  void add(Pending pending);
  std::optional<EngineId> home_of(const Pending& pending) const;
  void send(Pending& pending);
  void finish(uint64_t id, peer::HomeReply& reply);

  EngineContext& context_;
  std::map<uint64_t, Pending> pending_;
  uint64_t next_id_;
};

}  // namespace chat
