#include "core/session/token_watch.h"

#include <algorithm>

#include "core/home/replies.h"

namespace chat {
namespace {

/// Tokens that last longer are looked at once per span.
constexpr Duration kSpan = minutes(10);
/// A session whose token lasts longer needs a new one all the same; ticks have an end.
constexpr Duration kWatchedMax = seconds(int64_t{366} * 24 * 3600);

}  // namespace

TokenWatch::TokenWatch(EngineContext& context, SessionTable& sessions, SessionOutput& output)
    : context_(context), sessions_(sessions), output_(output), wheel_(ticks_.span(kSpan)) {}

void TokenWatch::accept(Session& session, const Identity& identity) const {
  const Duration ttl = milliseconds(
      std::clamp<int64_t>(identity.expires.ms - context_.wall.ms, 0, kWatchedMax.ms()));
  session.user_name = identity.name;
  session.login = identity.login;
  session.token_issued = identity.issued;
  session.token_ends = context_.now + ttl;
  session.token_warned = false;
  session.token_warning = std::min(context_.policy().token_warning, ttl / 10);
}

void TokenWatch::begin(Session& session) {
  wheel_.insert(session.slot, ticks_.round_up(session.token_ends - session.token_warning));
  arm();
}

bool TokenWatch::check(Session& session) {
  if (context_.now < session.token_ends) return true;
  expire(session);
  return false;
}

void TokenWatch::expire(Session& session) {
  ++context_.counters.tokens_expired;
  if (session.sends_unanswered > 0) ++context_.counters.tokens_expired_sending;
  output_.close(session, CloseCode::bad_token, "the token has expired");
}

// ---------------------------------------------------------------- refreshing

void TokenWatch::refresh(Session& session, uint32_t reply_to, const std::string& token) {
  if (session.refreshing) {
    output_.error(session, reply_to,
                  wire_error(v1::RATE_LIMITED, "the last token is still being checked", 100));
    return;
  }
  session.refreshing = true;
  session.refresh_id = reply_to;
  context_.emit(Authenticate{AuthToken{session.conn.value | kRefreshBit}, token});
}

bool TokenWatch::on_auth_done(const AuthDone& input) {
  Session* session = sessions_.find(conn_of(input.token));
  if (!session || !session->active()) return false;
  session->refreshing = false;
  const auto refuse = [&](v1::ErrorCode code, const std::string& why) {
    ++context_.counters.auth_failures;
    output_.error(*session, session->refresh_id, wire_error(code, why));
    return false;
  };
  if (!input.identity) {
    const Error& error = input.identity.error();
    return refuse(error.code == ErrorCode::unavailable ? v1::UNAVAILABLE : v1::UNAUTHENTICATED,
                  error.text);
  }
  const Identity& identity = *input.identity;
  if (identity.user != session->user) {
    return refuse(v1::UNAUTHENTICATED, "the token speaks for another user");
  }
  if (identity.login < session->login) {
    return refuse(v1::UNAUTHENTICATED, "the token belongs to an older log-in");
  }
  ++context_.counters.tokens_refreshed;
  const bool is_newer = identity.login != session->login;
  accept(*session, identity);
  begin(*session);
  v1::ServerFrame answer;
  answer.set_reply_to(session->refresh_id);
  answer.mutable_token_expiring()->set_in_ms((session->token_ends - context_.now).ms());
  output_.push(*session, answer, SendLane::control);
  return is_newer;
}

// ---------------------------------------------------------------- time

void TokenWatch::arm() {
  const auto next = wheel_.next_due();
  if (!next) return;
  const Instant at = std::max(ticks_.start_of(*next), context_.now);
  if (at >= armed_at_) return;
  context_.timers.cancel(armed_);
  armed_ = context_.timers.arm(round_up_to_timer_tick(at),
                               {static_cast<uint8_t>(TimerKind::token_sweep), 0, 0});
  armed_at_ = at;
}

void TokenWatch::on_timer() {
  armed_ = {};
  armed_at_ = kNever;
  std::vector<uint32_t> due;
  wheel_.collect(ticks_.round_down(context_.now), due);
  for (const uint32_t slot : due) {
    Session* session = sessions_.at(slot);
    if (!session || !session->active()) continue;
    if (context_.now >= session->token_ends) {
      expire(*session);
      continue;
    }
    if (!std::exchange(session->token_warned, true)) {
      ++context_.counters.tokens_warned;
      v1::ServerFrame frame;
      frame.mutable_token_expiring()->set_in_ms((session->token_ends - context_.now).ms());
      output_.push(*session, frame, SendLane::control);
    }
    wheel_.insert(slot, ticks_.round_up(session->token_ends));
  }
  arm();
}

}  // namespace chat
