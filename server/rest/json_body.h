// JSON bodies of REST and admin HTTP: canonical protobuf JSON of v1 messages, and errors as
// v1.Error. Stateless. Thread rule: any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/base/error.h"
#include "server/transport/transport.h"

namespace google::protobuf {
class Message;
}

namespace chat {

namespace v1 {
class Error;
class Response;
}  // namespace v1

/// Reads a JSON object into `message`; unknown fields are skipped. Error invalid_argument with the
/// place.
Status parse_json(std::string_view body, google::protobuf::Message& message);
std::string to_json(const google::protobuf::Message& message);

/// The HTTP status of a v1.ErrorCode.
int http_status_of(int v1_error_code);
/// The HTTP status and the v1.Error body of an error.
HttpAnswer error_answer(const Error& error);
HttpAnswer error_answer(const v1::Error& error);
HttpAnswer json_answer(const google::protobuf::Message& message);
/// What an engine answered, whatever it is.
HttpAnswer response_answer(const v1::Response& response);

}  // namespace chat
