// VirtualClient: one device in a virtual world. It owns a ClientSession and its connection, wakes
// the session in time, sends what it queues, and comes back after a loss as the session's back-off
// says. What arrives goes to its listener. Thread rule: its world's thread.
#pragma once

#include <string>

#include "core/session/client_session.h"
#include "sim/virtual/virtual_world.h"

namespace chat::sim {

/// What a VirtualClient tells its owner beside the session's reports.
class ClientListener : public ClientObserver {
 public:
  /// The session is about to say hello on a new connection.
  virtual void before_hello() = 0;
  /// The session has handled something that arrived; now it may be called again.
  virtual void after_input() = 0;
  /// The connection is gone, for whatever reason. `error`: the server broke the protocol.
  virtual void on_disconnected(const Error* error) = 0;
};

class VirtualClient : private LinkEnd {
 public:
  VirtualClient(VirtualWorld& world, const ClientOptions& options, UserId user,
                std::string device_id, ClientListener& listener, Random random);

  /// Connects now, if there is no connection; comes back on its own after losses.
  void start();
  /// Ends the session with `normal` and stays away until start().
  void leave();
  /// Loses the connection and comes back by back-off.
  void drop();

  ClientSession& session() { return session_; }
  const ClientSession& session() const { return session_; }
  /// The token of the next Hello on; may be called from before_hello(). At first token_of(user).
  void set_token(std::string token) { token_ = std::move(token); }
  /// How the last connection ended.
  CloseCode last_close() const { return last_close_; }
  bool is_connected() const { return link_.value != 0; }
  /// Was started and has not left since: it is connected or comes back.
  bool is_wanted() const { return wanted_; }
  /// Sends what the session has queued and looks when it wants to be woken: after every use of it.
  void pump();

 private:
  void on_open() override;
  void on_message(const std::string& bytes) override;
  void on_closed(CloseCode code) override;
  void come_back(CloseCode code, const Error* error);

  VirtualWorld& world_;
  const Encoding encoding_;
  ClientSession session_;
  std::string token_;
  const std::string device_id_;
  ClientListener& listener_;
  Random random_;
  LinkRef link_;
  CloseCode last_close_ = CloseCode::none_received;
  bool wanted_ = false;
  uint64_t attempt_ = 0;  ///< Outdates planned reconnects.
  Instant woken_at_ = kNever;
};

}  // namespace chat::sim
