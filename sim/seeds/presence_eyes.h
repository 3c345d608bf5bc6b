// PresenceEyes: what one device of a seed is told of the users that it watches, for the check that
// presence converges: at the end every watcher's last word about a user is the truth. It sends
// nothing itself. Thread rule: plain value.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "core/base/ids.h"
#include "core/wire/chat.pb.h"

namespace chat::sim {

class PresenceEyes {
 public:
  /// Watches these users; none = it never asks.
  explicit PresenceEyes(std::vector<UserId> watched = {}) : watched_(std::move(watched)) {}

  const std::vector<UserId>& watched() const { return watched_; }
  /// Whether a watch has to be sent on this connection.
  bool has_to_ask() const { return !watched_.empty() && !asked_; }
  void asked();
  void on_disconnected() { asked_ = false; }
  void on_batch(const v1::PresenceBatch& batch);
  /// Of whom it believes something that is not so; empty when everything is.
  std::string mistakes(const std::set<UserId>& online) const;

 private:
  std::vector<UserId> watched_;
  bool asked_ = false;
  std::map<UserId, v1::PresenceState> told_;
};

}  // namespace chat::sim
