// PeerDatagram: the bytes of one datagram between two engines.
// Layout (frozen, all numbers little-endian):
//    0  u16 magic 0x4c50 "PL" · 2  u8 version 1 · 3  u8 flags (bit 0: wants a reply)
//    4  u64 from engine · 12 u64 from incarnation · 20 u64 from generation
//   28  u64 to engine   · 36 u64 to incarnation   · 44 u64 to generation, 0 when not known yet
//   52  u64 seq of the first frame here · 60 u64 ack: every frame with a lower seq has arrived
//   68  u32 credit: bytes that the sender accepts from ack on
//   72  frames, each u32 length and that many bytes, up to the end
// Functions without state. Thread rule: none.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "core/base/error.h"
#include "core/base/ids.h"

namespace chat {

struct PeerHeader {
  bool wants_reply = false;
  EngineRef from = {};
  uint64_t from_generation = 0;
  EngineRef to = {};
  uint64_t to_generation = 0;
  uint64_t seq = 1;
  uint64_t ack = 1;
  uint32_t credit = 0;
  bool operator==(const PeerHeader&) const = default;
};

namespace peer_datagram {

inline constexpr size_t kHeaderBytes = 72;
inline constexpr size_t kFrameHeaderBytes = 4;
/// A sequence number never reaches this; a larger one in a datagram is an error.
inline constexpr uint64_t kSeqMax = uint64_t{1} << 62;

/// A datagram without frames.
std::string encode(const PeerHeader& header);
void append_frame(std::string& datagram, std::string_view frame);

/// Checks the whole datagram, frames included; `corrupt` says what is wrong.
Result<PeerHeader> decode(std::string_view datagram);
/// Cuts the next frame off `frames`, which starts as frames_of() and comes from a datagram that
/// decode() accepts. False at the end.
bool next_frame(std::string_view& frames, std::string_view& frame);
/// The part of a checked datagram behind its header.
inline std::string_view frames_of(std::string_view datagram) {
  return datagram.substr(kHeaderBytes);
}

}  // namespace peer_datagram
}  // namespace chat
