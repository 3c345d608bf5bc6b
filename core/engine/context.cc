#include "core/engine/context.h"

#include <algorithm>

#include "core/base/assert.h"
#include "core/wire/peer.pb.h"

namespace chat {

EngineContext::EngineContext(EngineOptions engine_options)
    : options(std::move(engine_options)),
      random(Random(options.seed).fork("engine", options.self.id.value)) {
  set_limits(options.policy.limits);
}

void EngineContext::set_limits(const RuntimeLimits& limits) {
  limits_ = limits;
  limits_.group_members_max = std::min(limits.group_members_max, RuntimeLimits::kGroupMembersCap);
}

bool EngineContext::take_output(Output& output) {
  if (outputs_.empty()) return false;
  output = std::move(outputs_.front());
  outputs_.pop_front();
  return true;
}

void EngineContext::store(StoreCommand command, StoreContinuation done) {
  const StoreToken token{next_token_++};
  store_waiting_.emplace(token.value, std::move(done));
  emit(Store{token, std::move(command)});
}

void EngineContext::store_done(StoreDone& input) {
  const auto found = store_waiting_.find(input.token.value);
  CHAT_ASSERT(found != store_waiting_.end());
  const StoreContinuation done = std::move(found->second);
  store_waiting_.erase(found);
  done(input.result);
}

void EngineContext::delay(DelayCommand command, DelayContinuation done) {
  const DelayToken token{next_token_++};
  delay_waiting_.emplace(token.value, std::move(done));
  emit(Delay{token, std::move(command)});
}

void EngineContext::delay_done(const DelayDone& input) {
  const auto found = delay_waiting_.find(input.token.value);
  CHAT_ASSERT(found != delay_waiting_.end());
  const DelayContinuation done = std::move(found->second);
  delay_waiting_.erase(found);
  done(input.status);
}

void EngineContext::check_users(std::vector<UserId> users, UsersContinuation done) {
  const AccountToken token{next_token_++};
  users_waiting_.emplace(token.value, std::move(done));
  emit(CheckUsers{token, std::move(users)});
}

void EngineContext::account_done(const AccountDone& input) {
  const auto found = users_waiting_.find(input.token.value);
  CHAT_ASSERT(found != users_waiting_.end());
  const UsersContinuation done = std::move(found->second);
  users_waiting_.erase(found);
  done(input.missing);
}

void EngineContext::post(EngineId to, peer::Frame&& frame) { post_(to, std::move(frame)); }

}  // namespace chat
