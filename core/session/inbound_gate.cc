#include "core/session/inbound_gate.h"

#include <algorithm>
#include <string>

#include "core/home/replies.h"
#include "core/wire/chat.pb.h"

namespace chat {
namespace {

constexpr Duration kUnansweredRetry = milliseconds(100);

InboundRates rates_of(const RuntimeLimits& limits) {
  return {.user_sends_per_second = limits.sends_per_second_user,
          .address_sends_per_second = limits.sends_per_second_address,
          .frames_per_second = limits.frames_per_second};
}

/// A refusal; the wait is rounded up, so that who comes back then is served.
v1::Error too_fast(std::string text, Duration retry_after) {
  return wire_error(v1::RATE_LIMITED, std::move(text), static_cast<uint32_t>(retry_after.ms()) + 1);
}

/// Of a ClientFrame or a Request.
template <class Message>
std::string key_of(const Message& asked) {
  if (asked.has_send()) return asked.send().client_msg_id();
  if (asked.has_edit()) return asked.edit().client_op_id();
  if (asked.has_delete_message()) return asked.delete_message().client_op_id();
  return asked.react().client_op_id();
}

/// Of a ClientFrame or a Request.
template <class Message>
bool is_change(const Message& asked) {
  return asked.has_send() || asked.has_edit() || asked.has_delete_message() || asked.has_react();
}

/// Keeps a connection alive, or does nothing.
bool is_free(const v1::ClientFrame& frame) {
  return frame.has_heartbeat() || frame.has_ack() ||
         frame.body_case() == v1::ClientFrame::BODY_NOT_SET;
}

}  // namespace

std::string change_key(const v1::ClientFrame& frame) { return key_of(frame); }

InboundGate::InboundGate(EngineContext& context)
    : context_(context), limits_(rates_of(context.limits())) {}

void InboundGate::on_limits_changed() { limits_.set_rates(rates_of(context_.limits())); }

bool InboundGate::exempt(std::string_view address) const {
  const auto& trusted = context_.limits().trusted_sources;
  return address.empty() || std::any_of(trusted.begin(), trusted.end(), [&](const auto& prefix) {
           return address.starts_with(prefix);
         });
}

std::optional<v1::Error> InboundGate::refusal(Session& session, const v1::ClientFrame& frame) {
  if (is_free(frame)) return std::nullopt;
  const bool limited = !exempt(session.address);
  if (!is_change(frame)) {
    if (!limited) return std::nullopt;
    return told(InboundLimits::frame(context_.now, session.frames));
  }
  std::optional<v1::Error> error;
  if (session.sends_unanswered >= context_.policy().sends_unanswered_max) {
    ++context_.counters.rate_limited_unanswered;
    error = too_fast("too many sends without an answer", kUnansweredRetry);
  } else if (limited) {
    error = told(limits_.change(context_.now, session.user, session.source));
  }
  if (!error) return std::nullopt;
  ++context_.counters.sends;
  ++context_.counters.sends_refused;
  error->set_client_msg_id(key_of(frame));
  return error;
}

std::optional<v1::Error> InboundGate::refusal(const v1::Request& request) {
  const UserId user{request.user_id()};
  if (!user || exempt(request.address())) return std::nullopt;
  auto error =
      told(is_change(request) ? limits_.change(context_.now, user, limit_key(request.address()))
                              : limits_.call(context_.now, user));
  if (error) error->set_client_msg_id(key_of(request));
  return error;
}

std::optional<v1::Error> InboundGate::told(const InboundLimits::Verdict& verdict) {
  switch (verdict.exhausted) {
    case InboundLimits::Limit::none:
      return std::nullopt;
    case InboundLimits::Limit::user:
      ++context_.counters.rate_limited_user;
      return too_fast("this user sends too fast", verdict.retry_after);
    case InboundLimits::Limit::address:
      ++context_.counters.rate_limited_address;
      return too_fast("too many messages come from this address", verdict.retry_after);
    case InboundLimits::Limit::frames:
      ++context_.counters.rate_limited_frames;
      return too_fast("this client asks too fast", verdict.retry_after);
  }
  return std::nullopt;
}

}  // namespace chat
