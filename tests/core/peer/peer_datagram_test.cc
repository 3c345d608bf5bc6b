#include "core/peer/peer_datagram.h"

#include <gtest/gtest.h>

namespace chat {
namespace {

const PeerHeader kHeader{.wants_reply = true,
                         .from = {EngineId{1}, Incarnation{2}},
                         .from_generation = 3,
                         .to = {EngineId{4}, Incarnation{5}},
                         .to_generation = 6,
                         .seq = 7,
                         .ack = 8,
                         .credit = 9};

TEST(PeerDatagram, RoundTripsHeaderAndFrames) {
  std::string datagram = peer_datagram::encode(kHeader);
  peer_datagram::append_frame(datagram, "one");
  peer_datagram::append_frame(datagram, "");
  peer_datagram::append_frame(datagram, "three");
  const auto header = peer_datagram::decode(datagram);
  ASSERT_TRUE(header.has_value());
  EXPECT_EQ(*header, kHeader);
  std::string_view frames = peer_datagram::frames_of(datagram), frame;
  std::vector<std::string> out;
  while (peer_datagram::next_frame(frames, frame)) out.emplace_back(frame);
  EXPECT_EQ(out, (std::vector<std::string>{"one", "", "three"}));
}

TEST(PeerDatagram, LayoutIsFrozen) {
  std::string datagram = peer_datagram::encode(kHeader);
  peer_datagram::append_frame(datagram, "a");
  EXPECT_EQ(to_hex(datagram),
            "504c0101"
            "010000000000000002000000000000000300000000000000"
            "040000000000000005000000000000000600000000000000"
            "0700000000000000080000000000000009000000"
            "0100000061");
}

TEST(PeerDatagram, RefusesEveryTruncationThatCutsSomething) {
  std::string datagram = peer_datagram::encode(kHeader);
  peer_datagram::append_frame(datagram, "frame");
  for (size_t size = 0; size < datagram.size(); ++size) {
    if (size == peer_datagram::kHeaderBytes) continue;
    EXPECT_EQ(peer_datagram::decode(datagram.substr(0, size)).error().code, ErrorCode::corrupt);
  }
}

TEST(PeerDatagram, RefusesAForeignHeader) {
  const std::string good = peer_datagram::encode(kHeader);
  for (size_t position : {0u, 1u, 2u}) {
    std::string bad = good;
    ++bad[position];
    EXPECT_FALSE(peer_datagram::decode(bad).has_value());
  }
  for (const PeerHeader& bad :
       {PeerHeader{.from_generation = 0}, PeerHeader{.from_generation = 1, .seq = 0},
        PeerHeader{.from_generation = 1, .ack = 0},
        PeerHeader{.from_generation = 1, .seq = UINT64_MAX},
        PeerHeader{.from_generation = 1, .ack = UINT64_MAX}}) {
    EXPECT_FALSE(peer_datagram::decode(peer_datagram::encode(bad)).has_value());
  }
}

}  // namespace
}  // namespace chat
