// InboundGate: refuses what a client sends too fast, on connections and by REST, and counts every
// refusal by its limit. The policy is InboundLimits'; heartbeats and acknowledgements always pass,
// for they cost nothing and keep a connection alive. Thread rule: belongs to its engine.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "core/engine/context.h"
#include "core/policy/inbound_limits.h"
#include "core/session/session_table.h"

namespace chat {

namespace v1 {
class ClientFrame;
class Error;
class Request;
}  // namespace v1

/// The key by which the client knows the change that it asks for; empty for what is no change.
std::string change_key(const v1::ClientFrame& frame);

class InboundGate {
 public:
  explicit InboundGate(EngineContext& context);

  /// What the client is told instead of being served; nullopt when the frame may pass.
  std::optional<v1::Error> refusal(Session& session, const v1::ClientFrame& frame);
  /// The same for a REST call. Requests of the operator, and those without an address, pass.
  std::optional<v1::Error> refusal(const v1::Request& request);
  /// Whether rate limits do not concern who comes from there: a trusted source, or nowhere.
  bool exempt(std::string_view address) const;
  void on_limits_changed();

 private:
  std::optional<v1::Error> told(const InboundLimits::Verdict& verdict);

  EngineContext& context_;
  InboundLimits limits_;
};

}  // namespace chat
