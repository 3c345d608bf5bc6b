// PeerLink against a hostile bus. The input is a list of records (u8 kind, u16 size little-endian,
// bytes): raw datagrams for a link that has been bound to a peer, and lengths of time that pass.
// The link may refuse or end but never crash, deliver what exceeds a frame, or keep more than its
// window. Besides, every raw datagram that decodes is the same after encoding it again.
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/assert.h"
#include "core/peer/peer_link.h"

namespace chat {
namespace {

constexpr EngineRef kSelf{EngineId{1}, Incarnation{10}};
constexpr EngineRef kPeer{EngineId{2}, Incarnation{20}};
constexpr uint64_t kGeneration = 5;

void check_round_trip(std::string_view datagram) {
  const auto header = PeerLink::peek(datagram);
  if (!header) return;
  std::string again = peer_datagram::encode(*header);
  std::string_view frames = peer_datagram::frames_of(datagram), frame;
  while (peer_datagram::next_frame(frames, frame)) peer_datagram::append_frame(again, frame);
  CHAT_ASSERT(*PeerLink::peek(again) == *header);
  CHAT_ASSERT(peer_datagram::frames_of(again) == peer_datagram::frames_of(datagram));
}

class Run {
 public:
  Run()
      : link_({.self = kSelf,
               .peer = kPeer,
               .generation = kGeneration,
               .datagram_bytes_max = 512,
               .window_bytes = 2'048}) {
    for (int i = 0; i < 20; ++i) link_.send(std::string(200, 'x'));
  }

  void record(uint8_t kind, std::string_view bytes) {
    if (kind % 4 == 3) {
      for (const char c : bytes) now_ = now_ + milliseconds(static_cast<unsigned char>(c) * 4);
    } else {
      check_round_trip(bytes);
      std::vector<std::string> frames;
      const Status status = link_.receive(now_, bytes, frames);
      CHAT_ASSERT(status.has_value() || frames.empty());
      delivered_ += frames.size();
      CHAT_ASSERT(delivered_ == link_.counters().frames_delivered);
    }
    std::vector<std::string> datagrams;
    link_.poll(now_, datagrams);
    for (const auto& datagram : datagrams) {
      CHAT_ASSERT(PeerLink::peek(datagram)->from == kSelf);
    }
    CHAT_ASSERT(link_.ended() || link_.idle() || link_.next_wake() > now_);
  }

 private:
  PeerLink link_;
  Instant now_ = Instant{} + seconds(1);
  uint64_t delivered_ = 0;
};

}  // namespace
}  // namespace chat

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  chat::Run run;
  std::string_view rest(reinterpret_cast<const char*>(data), size);
  while (rest.size() >= 3) {
    const auto kind = static_cast<uint8_t>(rest[0]);
    const size_t bytes = static_cast<uint8_t>(rest[1]) | static_cast<uint8_t>(rest[2]) << 8;
    rest.remove_prefix(3);
    const std::string_view record = rest.substr(0, bytes);
    rest.remove_prefix(record.size());
    run.record(kind, record);
  }
  return 0;
}
