// The inputs and outputs of an engine: all that it knows of the world, and all that it does to it.
// A driver feeds Inputs and executes Outputs; both are plain values. Order: FIFO per connection,
// per peer engine, and per chat or inbox for store writes; completions (StoreDone, DelayDone,
// AuthDone, AccountDone) come in any order.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "core/base/error.h"
#include "core/base/ids.h"
#include "core/base/shared_bytes.h"
#include "core/base/time.h"
#include "core/policy/runtime_limits.h"
#include "core/store/chat_store.h"
#include "core/store/delay_log.h"

namespace chat {

namespace v1 {
class Request;
class Response;
}  // namespace v1

/// The WebSocket subprotocol of a connection: chat.v1.proto (binary) or chat.v1.json (text).
enum class Encoding : uint8_t { proto, json };

/// The close codes that chatd sends. 40xx = reconnect, 41xx = stop. Frozen.
enum class CloseCode : uint16_t {
  normal = 1000,
  going_away = 1001,
  none_received = 1005,
  abnormal = 1006,
  drain = 4000,
  server_error = 4001,
  slow_reader = 4002,
  no_heartbeat = 4003,
  state_lost = 4004,
  too_many_requests = 4005,
  replaced = 4006,
  bad_token = 4100,
  revoked = 4101,
  protocol_error = 4102,
  no_hello = 4103,
  banned = 4104,
  connection_limit = 4105,
  version = 4106,
};

/// Who a valid token speaks for.
struct Identity {
  UserId user;
  std::string name;
  WallTime expires;
  LoginId login = {};    ///< None: a token that an operator made.
  WallTime issued = {};  ///< When the token was made.
};

// ---------------------------------------------------------------- inputs

struct Opened {
  ConnId conn;
  Encoding encoding = Encoding::proto;
  std::string address;  ///< The peer's address, for display and limits; empty = exempt.
};
/// One whole WebSocket message.
struct Received {
  ConnId conn;
  std::string bytes;
};
/// The kernel took all of the last Send of this connection.
struct Sent {
  ConnId conn;
};
/// Exactly one per Opened, also after an Output::Close.
struct Closed {
  ConnId conn;
  CloseCode code = CloseCode::abnormal;  ///< The peer's code; abnormal when there was none.
};
struct PeerReceived {
  std::string datagram;
};
struct PeerUp {
  EngineRef peer;
};
struct PeerDown {
  EngineRef peer;
};
struct StoreDone {
  StoreToken token;
  StoreResult result;
};
/// The answer to a Delay.
struct DelayDone {
  DelayToken token;
  Status status;
};
/// This engine's share of what was in the process's DelayLog when it began. At most once, before
/// the first RingChanged.
struct DelayLoaded {
  std::vector<DelayEntry> entries;
};
struct AuthDone {
  AuthToken token;
  Result<Identity> identity = make_error(ErrorCode::internal, "");
};
/// The answer to CheckUsers: which of them do not exist.
struct AccountDone {
  AccountToken token;
  Result<std::vector<UserId>> missing = make_error(ErrorCode::internal, "");
};
/// Log-ins of a user ended: what they let in is closed. The driver tells every engine, and each one
/// only after the AuthDones of all checks that did not know of it yet.
struct AccountChanged {
  UserId user;
  std::vector<LoginId> ended = {};  ///< These log-ins,
  WallTime ended_until = {};        ///< and every token that was made up to here (0 = none).

  bool ends(LoginId login, WallTime issued) const;
};
/// Sends all clients away: tells them (GoAway) over the window, then closes; see core/session/
/// drainer.h.
struct Drain {
  Duration window;
  Duration reconnect_after = {};  ///< Clients come back this late at the earliest.
  std::string url = {};           ///< Where to; empty = where they came from.
};
/// The live engines that have the home role.
struct RingChanged {
  std::vector<EngineRef> homes;
};
/// In force from here on.
struct LimitsChanged {
  RuntimeLimits limits;
};
struct RequestInput {
  RequestId id;
  std::shared_ptr<const v1::Request> request;
};

using Input = std::variant<Opened, Received, Sent, Closed, PeerReceived, PeerUp, PeerDown,
                           StoreDone, DelayDone, DelayLoaded, AuthDone, AccountDone, AccountChanged,
                           Drain, RingChanged, LimitsChanged, RequestInput>;

// ---------------------------------------------------------------- outputs

/// One WebSocket message, at most one outstanding per connection until Sent. Receivers of the same
/// frames share the same pointer, so that a driver can copy once for all of them.
struct Send {
  ConnId conn;
  SharedBytes bytes;
};
struct Close {
  ConnId conn;
  CloseCode code = CloseCode::normal;
  std::string reason;
};
struct PeerSend {
  EngineRef to;
  std::string datagram;
};
struct Store {
  StoreToken token;
  StoreCommand command;
};
struct Delay {
  DelayToken token;
  DelayCommand command;
};
struct Authenticate {
  AuthToken token;
  std::string credentials;  ///< The access token.
};
/// Asks which of these users do not exist.
struct CheckUsers {
  AccountToken token;
  std::vector<UserId> users;
};
/// Replaces the last one. Late is allowed, early never.
struct WakeAt {
  Instant at;
};
struct ResponseOutput {
  RequestId id;
  std::shared_ptr<const v1::Response> response;
};

/// What happened to a chat as a whole; names are written, frozen.
enum class JournalKind : uint8_t {
  created,
  enter,
  exit,
  banned,
  unbanned,
  ended_ttl,
  ended_deleted,
  ended_empty,
};
/// A stored entry of the life-cycle journal, in order per chat. After a crash entries may come
/// again; (chat, seq, kind, user) tells it.
struct Journal {
  ChatId chat;
  uint64_t seq = 0;  ///< Of the event that says it.
  WallTime at;
  JournalKind kind = JournalKind::created;
  UserId user{};   ///< Whom it is about; none of an end.
  UserId actor{};  ///< Who did it; none = the system or the operator.
};

using Output = std::variant<Send, Close, PeerSend, Store, Delay, Authenticate, CheckUsers, WakeAt,
                            ResponseOutput, Journal>;

}  // namespace chat
