// Outgoing: one operation that a device means to do: a message, an edit, a deletion or a reaction,
// each with its key, over all its attempts. Thread rule: plain value.
#pragma once

#include <string>

#include "core/base/ids.h"
#include "core/session/client_session.h"
#include "core/wire/chat.pb.h"
#include "sim/oracle/oracle.h"

namespace chat::sim {

struct Outgoing {
  ChatId chat;
  v1::ClientFrame frame;  ///< Exactly one of send, edit, delete_message and react.
  SendRef ref;
  bool attempted = false;
  bool key_is_used = false;  ///< By another message.

  const std::string& key() const;
  Operation operation() const;
  /// What the oracle knows it by.
  uint64_t content() const;
  /// Hands it to the session; the id of its frame.
  uint32_t hand_to(ClientSession& session, Instant now) const;
};

}  // namespace chat::sim
