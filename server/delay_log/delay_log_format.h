// The bytes of a delay log file. A header with a random salt, then one frame per synced write:
//   mark (4) · length of the records (4) · checksum of salt and records (4) · records
//   record: 1 · engine (8) · incarnation (8) · number (8) · chat (16) · length (4) · request
//         | 2 · engine (8) · incarnation (8) · number (8)
// Numbers are big-endian. Frozen. A damaged frame at the end is a write that nobody was told of; a
// damaged one before a good one means that the file was damaged. Thread rule: pure functions.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/store/delay_log.h"

namespace chat {

inline constexpr size_t kDelayHeaderBytes = 16;

std::string encode_delay_header(uint64_t salt);
/// One frame with all that the commands enter and remove.
std::string encode_delay_frame(uint64_t salt, std::span<const DelayCommand> commands);
/// Bytes that the entry takes in a frame.
size_t delay_entry_bytes(const DelayEntry& entry);

struct DecodedDelayLog {
  uint64_t salt = 0;
  std::vector<DelayCommand> commands;  ///< One per record.
  size_t good_bytes = 0;  ///< What follows is a write that was cut off; 0 = not even a header.
};

/// Error corrupt names the position of what does not decode.
Result<DecodedDelayLog> decode_delay_log(std::string_view bytes);

}  // namespace chat
