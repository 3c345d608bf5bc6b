#include "core/peer/peer_datagram.h"

namespace chat::peer_datagram {
namespace {

constexpr uint64_t kMagic = 0x4c50;
constexpr uint64_t kVersion = 1;
constexpr uint64_t kWantsReply = 1;

void put(std::string& out, uint64_t value, int bytes) {
  for (int i = 0; i < bytes; ++i) out.push_back(static_cast<char>(value >> (8 * i)));
}

// Cuts `bytes` bytes off `in`, which has them.
uint64_t get(std::string_view& in, int bytes) {
  uint64_t value = 0;
  for (int i = bytes - 1; i >= 0; --i) {
    value = value << 8 | static_cast<unsigned char>(in[static_cast<size_t>(i)]);
  }
  in.remove_prefix(static_cast<size_t>(bytes));
  return value;
}

Error corrupt(const char* what) {
  return make_error(ErrorCode::corrupt, std::string("peer datagram: ") + what);
}

EngineRef get_engine(std::string_view& in) {
  const uint64_t id = get(in, 8);
  return {EngineId{id}, Incarnation{get(in, 8)}};
}

}  // namespace

std::string encode(const PeerHeader& header) {
  std::string out;
  out.reserve(kHeaderBytes);
  put(out, kMagic, 2);
  put(out, kVersion, 1);
  put(out, header.wants_reply ? kWantsReply : 0, 1);
  put(out, header.from.id.value, 8);
  put(out, header.from.incarnation.value, 8);
  put(out, header.from_generation, 8);
  put(out, header.to.id.value, 8);
  put(out, header.to.incarnation.value, 8);
  put(out, header.to_generation, 8);
  put(out, header.seq, 8);
  put(out, header.ack, 8);
  put(out, header.credit, 4);
  return out;
}

void append_frame(std::string& datagram, std::string_view frame) {
  put(datagram, frame.size(), 4);
  datagram.append(frame);
}

Result<PeerHeader> decode(std::string_view datagram) {
  if (datagram.size() < kHeaderBytes) return corrupt("shorter than its header");
  std::string_view in = datagram;
  if (get(in, 2) != kMagic) return corrupt("wrong magic number");
  if (get(in, 1) != kVersion) return corrupt("unknown version");
  PeerHeader header;
  header.wants_reply = (get(in, 1) & kWantsReply) != 0;
  header.from = get_engine(in);
  header.from_generation = get(in, 8);
  header.to = get_engine(in);
  header.to_generation = get(in, 8);
  header.seq = get(in, 8);
  header.ack = get(in, 8);
  header.credit = static_cast<uint32_t>(get(in, 4));
  if (header.from_generation == 0) return corrupt("generation 0");
  if (header.seq == 0 || header.seq > kSeqMax) return corrupt("seq out of range");
  if (header.ack == 0 || header.ack > kSeqMax) return corrupt("ack out of range");
  std::string_view frame;
  while (next_frame(in, frame)) {
  }
  if (!in.empty()) return corrupt("a frame is longer than the datagram");
  return header;
}

bool next_frame(std::string_view& frames, std::string_view& frame) {
  if (frames.size() < kFrameHeaderBytes) return false;
  std::string_view rest = frames;
  const uint64_t size = get(rest, 4);
  if (size > rest.size()) return false;
  frame = rest.substr(0, size);
  frames = rest.substr(size);
  return true;
}

}  // namespace chat::peer_datagram
