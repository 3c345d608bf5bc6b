// The decoder of delay log files: any bytes are refused, or become commands that are the same after
// another round.
#include <cstdint>
#include <string>
#include <string_view>

#include "core/base/assert.h"
#include "server/delay_log/delay_log_format.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const auto decoded = chat::decode_delay_log(bytes);
  if (!decoded || decoded->good_bytes == 0) return 0;
  CHAT_ASSERT(decoded->good_bytes <= size);
  std::string again = chat::encode_delay_header(decoded->salt);
  if (!decoded->commands.empty()) again += encode_delay_frame(decoded->salt, decoded->commands);
  const auto second = chat::decode_delay_log(again);
  CHAT_ASSERT(second && second->good_bytes == again.size());
  CHAT_ASSERT(second->commands.size() == decoded->commands.size());
  CHAT_ASSERT(encode_delay_frame(0, second->commands) == encode_delay_frame(0, decoded->commands));
  return 0;
}
