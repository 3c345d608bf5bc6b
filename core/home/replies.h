// Small helpers that build protocol answers, shared by homes and sessions.
// Own nothing. Thread rule: pure functions.
#pragma once

#include <cstdint>
#include <string>

#include "core/wire/chat.pb.h"

namespace chat {

/// A wire error; `temporary` follows from the code.
v1::Error wire_error(v1::ErrorCode code, std::string message, uint32_t retry_after_ms = 0);

inline v1::Response error_response(v1::ErrorCode code, std::string message) {
  v1::Response response;
  *response.mutable_error() = wire_error(code, std::move(message));
  return response;
}

}  // namespace chat
