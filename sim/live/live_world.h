// LiveWorld: the world of a crowd on real WebSockets to a chatd, in one epoll loop. It waits for
// sockets and timers and hands the crowd what happens; log-ins and member changes run on threads of
// their own. It decides nothing about users but how fast a slow reader takes its bytes.
// Thread rule: one thread.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "core/base/random.h"
#include "core/base/time.h"
#include "sim/crowd/crowd.h"
#include "sim/crowd/crowd_world.h"
#include "sim/crowd/meter.h"
#include "sim/crowd/roster.h"
#include "sim/live/connection.h"
#include "sim/live/endpoint.h"
#include "sim/live/login_pool.h"
#include "sim/live/member_changer.h"

namespace chat::sim {

class LiveWorld : public CrowdWorld {
 public:
  /// What is given outlives the world; `target` is read again when connections fail. Errors:
  /// unavailable (the target does not resolve), rate_limited (no descriptors).
  static Result<std::unique_ptr<LiveWorld>> create(const Scenario& scenario, const Roster& roster,
                                                   Target& target);
  ~LiveWorld() override;
  LiveWorld(const LiveWorld&) = delete;
  LiveWorld& operator=(const LiveWorld&) = delete;

  /// Null when nobody leaves a group in this scenario.
  MemberChanges* members() { return members_.get(); }

  void attach(Crowd& crowd, Meter& meter) override;
  Instant now() const override;
  WallTime wall() const override;
  /// One round of the loop: waits for events, at most until `until`.
  void turn(Instant until) override;
  Status open(uint32_t device) override;
  void send(uint32_t device, std::string message) override;
  void close(uint32_t device, CloseCode code) override;
  void request_token(uint32_t user) override;

 private:
  class Events;
  struct Link {
    Connection connection;
    bool polls_write = false;  ///< The poll asks for writability.
    bool polls_read = false;   ///< The poll asks for readability.
    Instant paused_until;      ///< A slow reader that has read its share; 0 = reads.

    bool is_paused() const { return paused_until != Instant{}; }
  };

  LiveWorld(const Scenario& scenario, const Roster& roster, Target& target);
  Status set_up();
  void handle_ready(uint32_t device, uint32_t events);
  size_t bytes_to_read(uint32_t device, bool failed);
  void end_pauses();
  void poll_for(uint32_t device);
  void take_tokens();
  void look_for_target();

  const Scenario& scenario_;
  const Roster& roster_;
  Target& target_;
  Crowd* crowd_ = nullptr;
  Meter* meter_ = nullptr;
  ConnectionOptions route_;
  bool spread_sources_ = false;  ///< Loopback: source addresses spread over 127.0.0.0/8.
  int epoll_fd_ = -1;
  std::unique_ptr<LoginPool> logins_;
  std::unique_ptr<MemberChanger> members_;  ///< When users leave groups.
  std::vector<Link> links_;
  std::deque<std::pair<Instant, uint32_t>> pauses_;  ///< When a slow reader reads on.
  std::vector<char> scratch_;
  Random random_;
  Instant woke_;             ///< The last wake-up.
  bool link_ended_ = false;  ///< Since the target was last looked for.
  Instant looked_at_;        ///< When the target was last read.
};

}  // namespace chat::sim
