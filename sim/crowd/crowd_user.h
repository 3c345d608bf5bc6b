// CrowdUser: all that a crowd holds for one device of a simulated user; what only a busy one needs
// is allocated when it is needed. Thread rule: belongs to its crowd.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/base/ids.h"
#include "core/base/time.h"
#include "core/session/client_session.h"
#include "sim/oracle/oracle.h"
#include "sim/scenario/action_trace.h"
#include "sim/scenario/user_plan.h"

namespace chat::sim {

/// An operation that is due.
struct DueOperation {
  Action action;  ///< Of a change: `chat` is that of its message, once that is found.
  Instant intended;
  uint64_t target_seq = 0;  ///< Of a change: its message, once that is found.
  uint32_t taken_back = 0;  ///< Of a reaction: the `n` of the one that it takes back.
};

/// The operations of a busy user, messages or changes: the one without an answer, and those that
/// wait for it.
struct OperationDesk {
  bool busy = false;     ///< `current` has no answer yet.
  bool written = false;  ///< It was handed to the connection that stands now.
  DueOperation current;
  Instant actual;  ///< Its first attempt.
  SendRef ref;
  Instant retry_at = kNever;          ///< After a temporary error.
  std::vector<DueOperation> waiting;  ///< The oldest first.
};

/// A stretch of a chat that a reset jumped over, to be had by History.
struct HistoryGap {
  uint32_t chat = 0;
  uint64_t after_seq = 0;
  uint64_t up_to_seq = 0;
};

/// What a user has to fetch by History, one request at a time.
struct GapDesk {
  std::vector<HistoryGap> gaps;
  uint32_t frame_id = 0;  ///< Of the request under way; 0 = none.
  Instant retry_at;
};

/// The link of a device, in the eyes of its crowd.
enum class LinkState : uint8_t { closed, opening, open };

struct CrowdUser {
  CrowdUser(const ClientOptions& options, const RunPlan& run, uint32_t user, uint32_t number)
      : session(options), plan(run, user, number) {}

  /// Both desks, each may be null.
  std::array<OperationDesk*, 2> desks() const { return {sends.get(), changes.get()}; }
  std::unique_ptr<OperationDesk>& desk_of(ActionKind kind) {
    return kind == ActionKind::send ? sends : changes;
  }

  ClientSession session;
  UserPlan plan;
  std::optional<Action> next;  ///< The planned action that comes next.
  ActionTrace trace;
  std::unique_ptr<OperationDesk> sends;
  /// A change that is refused for now does not hold up messages.
  std::unique_ptr<OperationDesk> changes;
  std::unique_ptr<GapDesk> gaps;
  std::string token;
  DeviceRef device;
  Instant reconnect_at = kNever;  ///< While closed.
  Instant give_up_at = kNever;    ///< While connecting, until Welcome.
  Instant bounce_at = kNever;     ///< To be reconnected once.
  Instant welcomed_at = kNever;   ///< Of this connection.
  LinkState link = LinkState::closed;
  bool was_welcomed : 1 = false;  ///< Ever.
  bool welcomed : 1 = false;      ///< On this connection.
  bool in_storm : 1 = false;      ///< Dropped by the storm, not at head since.
  bool has_snapshot : 1 = false;  ///< Its first snapshot of chats came.
  bool gone : 1 = false;          ///< The server sent it away for good.
  bool wants_token = false;       ///< Waits for a log-in.
};

}  // namespace chat::sim
