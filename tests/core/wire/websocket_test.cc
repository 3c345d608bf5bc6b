#include "core/wire/websocket.h"

#include <gtest/gtest.h>

#include <vector>

#include "core/base/ids.h"
#include "core/base/random.h"
#include "core/base/utf8.h"

namespace chat {
namespace {

using Kind = WebSocketEvent::Kind;
using Opcode = WebSocketOpcode;

constexpr uint32_t kMax = 1 << 20;

struct Message {
  Opcode opcode = Opcode::text;
  std::string payload;
  uint16_t close_code = 0;
  bool operator==(const Message&) const = default;
};

struct Outcome {
  std::vector<Message> messages;
  uint16_t failed_with = 0;
  bool operator==(const Outcome&) const = default;
};

// Feeds the bytes in pieces of `piece` bytes, or of random sizes.
Outcome decode(WebSocketDecoder& decoder, std::string_view bytes, size_t piece = SIZE_MAX,
               Random* random = nullptr) {
  Outcome out;
  while (!bytes.empty()) {
    const size_t size = std::min(random ? 1 + random->below(20) : piece, bytes.size());
    const std::string part(bytes.substr(0, size));
    bytes.remove_prefix(size);
    std::string_view input = part;
    for (;;) {
      const WebSocketEvent event = decoder.next(input);
      if (event.kind == Kind::need_more) break;
      if (event.kind == Kind::failed) {
        out.failed_with = event.close_code;
        return out;
      }
      out.messages.push_back({event.opcode, std::string(event.payload), event.close_code});
    }
    EXPECT_TRUE(input.empty());
  }
  return out;
}

Outcome decode_as_client(std::string_view bytes, size_t piece = SIZE_MAX) {
  WebSocketDecoder decoder(WebSocketRole::client, kMax);
  return decode(decoder, bytes, piece);
}

Outcome decode_as_server(std::string_view bytes, size_t piece = SIZE_MAX) {
  WebSocketDecoder decoder(WebSocketRole::server, kMax);
  return decode(decoder, bytes, piece);
}

std::string hex(std::string_view digits) { return *bytes_from_hex(digits); }

std::string server_frame(Opcode opcode, std::string_view payload, bool final = true) {
  std::string out;
  append_server_frame(out, opcode, payload, final);
  return out;
}

uint16_t failure_of(std::string_view bytes) { return decode_as_client(bytes).failed_with; }

// The examples of RFC 6455, 5.7.
TEST(WebSocketDecoder, ReadsTheExamplesOfTheStandard) {
  const Outcome hello{.messages = {{Opcode::text, "Hello"}}};
  EXPECT_EQ(decode_as_client(hex("810548656c6c6f")), hello);
  EXPECT_EQ(decode_as_server(hex("818537fa213d7f9f4d5158")), hello);
  EXPECT_EQ(decode_as_client(hex("010348656c80026c6f")), hello);
  EXPECT_EQ(decode_as_client(hex("890548656c6c6f")).messages[0].opcode, Opcode::ping);
  EXPECT_EQ(decode_as_server(hex("8a8537fa213d7f9f4d5158")).messages[0],
            (Message{Opcode::pong, "Hello"}));
}

TEST(WebSocketEncoder, WritesTheExamplesOfTheStandard) {
  std::string out;
  append_client_frame(out, Opcode::text, "Hello", 0x37fa213d);
  EXPECT_EQ(to_hex(out), "818537fa213d7f9f4d5158");
  EXPECT_EQ(to_hex(server_frame(Opcode::text, "Hel", false)), "010348656c");
  EXPECT_EQ(to_hex(server_frame(Opcode::binary, std::string(256, 'x')).substr(0, 4)), "827e0100");
  EXPECT_EQ(to_hex(server_frame(Opcode::binary, std::string(65'536, 'x')).substr(0, 10)),
            "827f0000000000010000");
}

TEST(WebSocketDecoder, YieldsTheSameHoweverTheBytesAreCut) {
  Random random(1);
  for (const WebSocketRole role : {WebSocketRole::client, WebSocketRole::server}) {
    std::string bytes;
    Outcome expected;
    for (int i = 0; i < 200; ++i) {
      const Opcode opcode = random.chance(1, 3)   ? Opcode::ping
                            : random.chance(1, 2) ? Opcode::text
                                                  : Opcode::binary;
      std::string payload(random.below(opcode == Opcode::ping ? 126 : 400), 'a');
      for (char& c : payload) c = static_cast<char>('a' + random.below(26));
      expected.messages.push_back({opcode, payload});
      if (role == WebSocketRole::server) {
        append_client_frame(bytes, opcode, payload, static_cast<uint32_t>(random.next()));
      } else {
        append_server_frame(bytes, opcode, payload);
      }
    }
    for (size_t piece : {size_t{1}, size_t{7}, size_t{1'000}, SIZE_MAX}) {
      WebSocketDecoder decoder(role, kMax);
      EXPECT_EQ(decode(decoder, bytes, piece), expected) << piece;
      EXPECT_TRUE(decoder.idle());
    }
    WebSocketDecoder decoder(role, kMax);
    EXPECT_EQ(decode(decoder, bytes, 0, &random), expected);
  }
}

TEST(WebSocketDecoder, JoinsFragmentsAroundControlFrames) {
  const std::string bytes =
      server_frame(Opcode::text, "one ", false) + server_frame(Opcode::ping, "p") +
      server_frame(Opcode::continuation, "two ", false) + server_frame(Opcode::pong, "") +
      server_frame(Opcode::continuation, "", false) + server_frame(Opcode::continuation, "three") +
      server_frame(Opcode::text, "next");
  const Outcome expected{.messages = {{Opcode::ping, "p"},
                                      {Opcode::pong, ""},
                                      {Opcode::text, "one two three"},
                                      {Opcode::text, "next"}}};
  for (size_t piece : {size_t{1}, size_t{2}, size_t{5}, SIZE_MAX}) {
    EXPECT_EQ(decode_as_client(bytes, piece), expected) << piece;
  }
}

TEST(WebSocketDecoder, ReadsEmptyMessagesOfBothRoles) {
  EXPECT_EQ(decode_as_client(server_frame(Opcode::text, "")).messages.size(), 1u);
  std::string bytes;
  append_client_frame(bytes, Opcode::binary, "", 0x01020304);
  EXPECT_EQ(decode_as_server(bytes, 1).messages.size(), 1u);
}

TEST(WebSocketDecoder, DoesNotCopyAWholeUnmaskedMessage) {
  const std::string bytes = server_frame(Opcode::binary, "payload");
  WebSocketDecoder decoder(WebSocketRole::client, kMax);
  std::string_view input = bytes;
  const WebSocketEvent event = decoder.next(input);
  EXPECT_EQ(event.payload.data(), bytes.data() + 2);
  EXPECT_TRUE(decoder.idle());
}

TEST(WebSocketDecoder, OwnsNoMemoryBetweenMessages) {
  WebSocketDecoder decoder(WebSocketRole::client, kMax);
  const std::string bytes = server_frame(Opcode::binary, "payload");
  decode(decoder, bytes.substr(0, 5));
  EXPECT_FALSE(decoder.idle());
  decode(decoder, bytes.substr(5));
  EXPECT_TRUE(decoder.idle());
  EXPECT_LE(sizeof(decoder), 48u);
}

TEST(WebSocketDecoder, FailsOnTheWrongMasking) {
  EXPECT_EQ(failure_of(hex("818537fa213d7f9f4d5158")), 1002);
  EXPECT_EQ(decode_as_server(hex("810548656c6c6f")).failed_with, 1002);
}

TEST(WebSocketDecoder, FailsOnBrokenHeaders) {
  EXPECT_EQ(failure_of(hex("c100")), 1002) << "reserved bit";
  EXPECT_EQ(failure_of(hex("8300")), 1002) << "reserved data opcode";
  EXPECT_EQ(failure_of(hex("8b00")), 1002) << "reserved control opcode";
  EXPECT_EQ(failure_of(hex("0900")), 1002) << "fragmented ping";
  EXPECT_EQ(failure_of(hex("897e007e")), 1002) << "long ping";
  EXPECT_EQ(failure_of(hex("827e007d")), 1002) << "length 125 in three bytes";
  EXPECT_EQ(failure_of(hex("827f000000000000ffff")), 1002) << "length 65,535 in nine bytes";
  EXPECT_EQ(failure_of(hex("827fffffffffffffffff")), 1002) << "length with the top bit";
  EXPECT_EQ(failure_of(hex("8000")), 1002) << "continuation of nothing";
  EXPECT_EQ(failure_of(hex("0101618100")), 1002) << "text inside a fragmented text";
}

TEST(WebSocketDecoder, FailsOnMessagesOverTheLimitBeforeBufferingThem) {
  WebSocketDecoder exact(WebSocketRole::client, 10);
  EXPECT_EQ(decode(exact, server_frame(Opcode::binary, "0123456789")).messages.size(), 1u);
  WebSocketDecoder whole(WebSocketRole::client, 10);
  EXPECT_EQ(decode(whole, hex("827e7fff")).failed_with, 1009);
  WebSocketDecoder fragments(WebSocketRole::client, 10);
  EXPECT_EQ(
      decode(fragments, server_frame(Opcode::binary, "012345", false) + hex("8005")).failed_with,
      1009);
  WebSocketDecoder ping(WebSocketRole::client, 1);
  EXPECT_EQ(decode(ping, server_frame(Opcode::ping, "long ping")).messages.size(), 1u);
}

TEST(WebSocketDecoder, ChecksTheTextOfWholeMessagesOnly) {
  EXPECT_EQ(failure_of(server_frame(Opcode::text, "\xff")), 1007);
  EXPECT_EQ(failure_of(server_frame(Opcode::binary, "\xff")), 0);
  const std::string split =
      server_frame(Opcode::text, "\xe2\x82", false) + server_frame(Opcode::continuation, "\xac");
  EXPECT_EQ(decode_as_client(split).messages[0].payload, "€");
}

TEST(WebSocketDecoder, ReadsCloseFramesAndSwallowsWhatFollows) {
  const std::string bytes = server_frame(Opcode::close, close_payload(4002, "slow")) +
                            server_frame(Opcode::text, "ignored");
  EXPECT_EQ(decode_as_client(bytes), (Outcome{.messages = {{Opcode::close, "slow", 4002}}}));
  EXPECT_EQ(decode_as_client(server_frame(Opcode::close, "")).messages[0].close_code,
            websocket_close::kNoStatus);
}

TEST(WebSocketDecoder, FailsOnBrokenCloseFrames) {
  EXPECT_EQ(failure_of(server_frame(Opcode::close, "\x03")), 1002);
  for (const uint16_t code : {0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65535}) {
    EXPECT_EQ(
        failure_of(server_frame(
            Opcode::close,
            hex("0000").replace(0, 2, {static_cast<char>(code >> 8), static_cast<char>(code)}))),
        1002)
        << code;
  }
  EXPECT_EQ(failure_of(server_frame(Opcode::close, close_payload(1000, "\xc0\x80"))), 1007);
}

TEST(WebSocketDecoder, StaysFailed) {
  WebSocketDecoder decoder(WebSocketRole::client, kMax);
  EXPECT_EQ(decode(decoder, hex("c100")).failed_with, 1002);
  EXPECT_EQ(decode(decoder, server_frame(Opcode::text, "fine")).failed_with, 1002);
}

TEST(WebSocketEncoder, CutsALongCloseReasonBetweenCharacters) {
  std::string reason;
  while (reason.size() < 200) reason += "€";
  const std::string payload = close_payload(1000, reason);
  EXPECT_LE(payload.size(), 125u);
  EXPECT_TRUE(is_utf8(std::string_view(payload).substr(2)));
  EXPECT_EQ(close_payload(websocket_close::kNoStatus, "never sent"), "");
}

TEST(WebSocketMask, AppliesAtAnyOffsetAndUndoesItself) {
  Random random(2);
  for (int i = 0; i < 500; ++i) {
    std::string text(random.below(40), 'x');
    for (char& c : text) c = static_cast<char>(random.next());
    const auto mask = static_cast<uint32_t>(random.next());
    std::string whole = text, parts = text;
    apply_mask(whole.data(), whole.size(), mask, 0);
    const size_t cut = random.below(text.size() + 1);
    apply_mask(parts.data(), cut, mask, 0);
    apply_mask(parts.data() + cut, text.size() - cut, mask, cut);
    ASSERT_EQ(whole, parts);
    apply_mask(whole.data(), whole.size(), mask, 0);
    ASSERT_EQ(whole, text);
  }
}

}  // namespace
}  // namespace chat
