// RestApi::Call: one request while its route handles it. Internal to this folder. Thread rule: on
// the reactor that has the connection.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "core/wire/chat.pb.h"
#include "server/rest/json_body.h"
#include "server/rest/query.h"
#include "server/rest/rest_api.h"

namespace chat {

struct RestApi::Call {
  Reactor& reactor;
  HttpCall http;
  Query query;
  Identity user{};   ///< Of routes that need one.
  ChatId chat{};     ///< Of routes with a chat id.
  uint64_t seq = 0;  ///< Of routes with a message.

  void answer(const HttpAnswer& answer) const { reactor.respond(http.id, answer); }
  void refuse(const Error& error) const { answer(error_answer(error)); }

  /// The parameter client_op_id of a DELETE, which has no body; nullopt when it is malformed and
  /// the answer has been given.
  std::optional<std::string> op_id() const {
    auto bytes = query.bytes("client_op_id");
    if (bytes) return std::move(*bytes);
    refuse(bytes.error());
    return std::nullopt;
  }

  /// The body as a message; false when it is none and the answer has been given.
  bool body(google::protobuf::Message& message) const {
    const Status parsed = parse_json(http.body, message);
    if (!parsed) refuse(parsed.error());
    return parsed.has_value();
  }

  std::shared_ptr<v1::Request> request() const {
    auto made = std::make_shared<v1::Request>();
    made->set_user_id(user.user.value);
    made->set_user_name(user.name);
    made->set_address(http.address);
    return made;
  }
};

}  // namespace chat
