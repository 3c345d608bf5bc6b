// The decoders of stored rows: any bytes are refused or become a row that survives another round.
// The first byte chooses the row. Encodings are not unique (a number may be written longer than it
// needs), so rows are compared after a second encoding.
#include <cstdint>
#include <string>
#include <string_view>

#include "core/base/assert.h"
#include "server/rocksdb/rows.h"

namespace chat::rocks {
namespace {

template <class Row>
void try_row(std::string_view bytes) {
  Row row;
  if (!decode(bytes, row)) return;
  const std::string encoded = encode(row);
  Row again;
  CHAT_ASSERT(decode(encoded, again));
  CHAT_ASSERT(encode(again) == encoded);
}

void try_bytes(uint8_t which, std::string_view bytes) {
  switch (which % 7) {
    case 0:
      return try_row<ChatRow>(bytes);
    case 1:
      return try_row<MemberRow>(bytes);
    case 2:
      return try_row<KeyRow>(bytes);
    case 3:
      return try_row<InboxRow>(bytes);
    case 4:
      return try_row<UserChatRow>(bytes);
    case 5:
      return try_row<UserRow>(bytes);
    default:
      return try_row<DeviceRow>(bytes);
  }
}

}  // namespace
}  // namespace chat::rocks

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  chat::rocks::try_bytes(data[0], {reinterpret_cast<const char*>(data) + 1, size - 1});
  return 0;
}
