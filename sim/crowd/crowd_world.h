// CrowdWorld: what a crowd of simulated users needs of the world that it lives in: time, links to
// the server, and tokens. The live driver implements it on sockets, the virtual one on a
// VirtualWorld. Devices are named by the crowd's indexes. Thread rule: the crowd's thread.
#pragma once

#include <cstdint>
#include <string>

#include "core/base/error.h"
#include "core/base/time.h"
#include "core/engine/io.h"

namespace chat::sim {

class Crowd;
class Meter;

class CrowdWorld {
 public:
  virtual ~CrowdWorld() = default;

  /// Who lives here; before the first turn.
  virtual void attach(Crowd& crowd, Meter& meter) = 0;

  /// The present, read anew.
  virtual Instant now() const = 0;
  virtual WallTime wall() const = 0;
  /// Lets time pass, at most until `until`: hands the crowd what happens, fires its timers and
  /// ticks its meter.
  virtual void turn(Instant until) = 0;
  /// The run phase begins now.
  virtual void begin_run() {}

  /// Begins to connect a device that has no link; the answer is Crowd::opened() or lost(), not from
  /// inside this call. Errors: rate_limited (this machine cannot), unavailable; there is no other
  /// answer then.
  virtual Status open(uint32_t device) = 0;
  /// Sends one message on an open link, now or as soon as the link takes it.
  virtual void send(uint32_t device, std::string message) = 0;
  /// Ends a link, if there is one, in whatever state; the crowd is told nothing more of it.
  /// `abnormal`: without a word to the server.
  virtual void close(uint32_t device, CloseCode code) = 0;
  /// The user logs in; the answer is Crowd::token_came(). Only called when Crowd was given no
  /// tokens.
  virtual void request_token(uint32_t user) = 0;
};

}  // namespace chat::sim
