// Drainer: sends the clients of an engine away, in order. After Drain it tells every connection to
// come back elsewhere (GoAway): in equal slices over the window, in an order drawn from the seed,
// with a delay that spreads the reconnects over the announced window. Who has not left
// policy.go_away_patience later is closed with 4000; new connections are refused with 4000. It does
// not end: a drained engine stays drained. Thread rule: belongs to its engine.
#pragma once

#include <cstddef>
#include <deque>
#include <string>
#include <utility>
#include <vector>

#include "core/engine/context.h"
#include "core/session/session_output.h"
#include "core/session/session_table.h"

namespace chat {

class Drainer {
 public:
  Drainer(EngineContext& context, SessionTable& sessions, SessionOutput& output)
      : context_(context), sessions_(sessions), output_(output) {}

  /// Begins; `reconnect_window` is what the reconnects are spread over. A second Drain is for those
  /// that are not told yet: its window replaces the first one's.
  void begin(const Drain& input, Duration reconnect_window);
  bool is_draining() const { return draining_; }
  /// Refuses a connection that came after begin().
  void refuse(Session& session);
  void on_timer();

 private:
  void tell(Session& session);
  void close_silent();
  void arm();

  EngineContext& context_;
  SessionTable& sessions_;
  SessionOutput& output_;
  bool draining_ = false;
  Drain order_;
  Duration reconnect_window_;
  std::vector<ConnId> untold_;  ///< The next one is the last.
  size_t untold_at_begin_ = 0, slices_ = 0, slices_left_ = 0;
  Instant next_slice_ = kNever;
  std::deque<std::pair<Instant, ConnId>> told_;  ///< By the time at which their patience ends.
  TimerHandle armed_;
};

}  // namespace chat
