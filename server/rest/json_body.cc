#include "server/rest/json_body.h"

#include <fmt/format.h>
#include <google/protobuf/util/json_util.h>

#include "core/wire/chat.pb.h"

namespace chat {
namespace {

v1::ErrorCode wire_code(ErrorCode code) {
  switch (code) {
    case ErrorCode::invalid_argument:
      return v1::INVALID_ARGUMENT;
    case ErrorCode::unauthenticated:
      return v1::UNAUTHENTICATED;
    case ErrorCode::permission_denied:
      return v1::PERMISSION_DENIED;
    case ErrorCode::not_found:
      return v1::NOT_FOUND;
    case ErrorCode::already_exists:
      return v1::ALREADY_EXISTS;
    case ErrorCode::too_large:
      return v1::TOO_LARGE;
    case ErrorCode::rate_limited:
      return v1::RATE_LIMITED;
    case ErrorCode::unavailable:
      return v1::UNAVAILABLE;
    case ErrorCode::corrupt:
    case ErrorCode::internal:
      return v1::INTERNAL;
  }
  return v1::INTERNAL;
}

}  // namespace

Status parse_json(std::string_view body, google::protobuf::Message& message) {
  google::protobuf::util::JsonParseOptions options;
  options.ignore_unknown_fields = true;
  const auto status = google::protobuf::util::JsonStringToMessage(
      google::protobuf::StringPiece(body.data(), body.size()), &message, options);
  if (status.ok()) return {};
  return make_error(ErrorCode::invalid_argument,
                    fmt::format("the body is no JSON of a {}: {}", message.GetDescriptor()->name(),
                                status.message().as_string()));
}

std::string to_json(const google::protobuf::Message& message) {
  std::string text;
  // Fails only for Any and Struct messages, which the schema has not.
  (void)google::protobuf::util::MessageToJsonString(message, &text);
  return text;
}

int http_status_of(int v1_error_code) {
  switch (v1_error_code) {
    case v1::INVALID_ARGUMENT:
      return 400;
    case v1::UNAUTHENTICATED:
      return 401;
    case v1::PERMISSION_DENIED:
      return 403;
    case v1::NOT_FOUND:
      return 404;
    case v1::ALREADY_EXISTS:
    case v1::IDEMPOTENCY_MISMATCH:
    case v1::LIMIT_REACHED:
      return 409;
    case v1::RANGE_PRUNED:
      return 410;
    case v1::TOO_LARGE:
      return 413;
    case v1::RATE_LIMITED:
      return 429;
    case v1::UNIMPLEMENTED:
      return 501;
    case v1::UNAVAILABLE:
      return 503;
    default:
      return 500;
  }
}

HttpAnswer error_answer(const v1::Error& error) {
  return {http_status_of(error.code()), "application/json", to_json(error)};
}

HttpAnswer error_answer(const Error& error) {
  v1::Error body;
  body.set_code(wire_code(error.code));
  body.set_message(error.text);
  body.set_temporary(error.code == ErrorCode::unavailable || error.code == ErrorCode::rate_limited);
  return error_answer(body);
}

HttpAnswer json_answer(const google::protobuf::Message& message) {
  return {200, "application/json", to_json(message)};
}

HttpAnswer response_answer(const v1::Response& response) {
  switch (response.result_case()) {
    case v1::Response::kError:
      return error_answer(response.error());
    case v1::Response::kSendAck:
      return json_answer(response.send_ack());
    case v1::Response::kHistoryPage:
      return json_answer(response.history_page());
    case v1::Response::kChat:
      return json_answer(response.chat());
    case v1::Response::kChatList:
      return json_answer(response.chat_list());
    case v1::Response::kPresence:
      return json_answer(response.presence());
    case v1::Response::kSessions:
      return json_answer(response.sessions());
    case v1::Response::kReceipt:
      return json_answer(response.receipt());
    case v1::Response::kReceiptSummary:
      return json_answer(response.receipt_summary());
    case v1::Response::kDevices:
      return json_answer(response.devices());
    case v1::Response::kAuthored:
      return json_answer(response.authored());
    case v1::Response::RESULT_NOT_SET:
      break;
  }
  return error_answer(make_error(ErrorCode::internal, "the engine gave no answer"));
}

}  // namespace chat
