#include "core/home/replies.h"

namespace chat {

v1::Error wire_error(v1::ErrorCode code, std::string message, uint32_t retry_after_ms) {
  v1::Error error;
  error.set_code(code);
  error.set_message(std::move(message));
  error.set_temporary(code == v1::UNAVAILABLE || code == v1::RATE_LIMITED);
  error.set_retry_after_ms(retry_after_ms);
  return error;
}

}  // namespace chat
