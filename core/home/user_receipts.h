// UserReceipts: the user home's part in receipts. It hands what chat homes tell to the session
// homes of the recipients, answers which marks changed since a time, and tells session homes when
// receipts may have been lost with a link to a chat home. Owns nothing. Thread rule: belongs to its
// engine.
#pragma once

#include <map>
#include <memory>

#include "core/engine/context.h"
#include "core/home/user_table.h"

namespace chat {

namespace peer {
class HomeRequest;
class ReceiptFanOut;
}  // namespace peer

class UserReceipts {
 public:
  UserReceipts(EngineContext& context, UserTable& users) : context_(context), users_(users) {}

  void on_receipts(peer::ReceiptFanOut& frame);
  /// ReceiptsSince: a page of the marks in small chats that changed since then.
  void list(EngineId from, const peer::HomeRequest& frame);
  /// What this engine was about to tell, if it was a chat home, is in the store or comes again from
  /// its successor: sessions look there.
  void on_peer_lost(EngineId peer);

 private:
  using Pushes = std::map<EngineId, peer::Frame>;

  void add_push(const User& user, Pushes& pushes);
  void post(Pushes& pushes, const peer::ReceiptFanOut& receipts);

  EngineContext& context_;
  UserTable& users_;
};

}  // namespace chat
