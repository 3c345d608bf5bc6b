#include "sim/seeds/presence_eyes.h"

namespace chat::sim {

void PresenceEyes::asked() {
  asked_ = true;
  told_.clear();  // What an earlier connection was told counts no longer.
}

void PresenceEyes::on_batch(const v1::PresenceBatch& batch) {
  for (const auto& entry : batch.entries()) told_[UserId{entry.user_id()}] = entry.state();
}

std::string PresenceEyes::mistakes(const std::set<UserId>& online) const {
  std::string text;
  for (UserId user : watched_) {
    const auto found = told_.find(user);
    const auto truth = online.contains(user) ? v1::ONLINE : v1::OFFLINE;
    if (found != told_.end() && found->second == truth) continue;
    text += " user " + std::to_string(user.value) + " is " + v1::PresenceState_Name(truth) +
            (found == told_.end() ? " and was not told of" : " and was told to be not");
  }
  return text;
}

}  // namespace chat::sim
