// WebSocket frames (RFC 6455) of both roles, without a socket: a decoder fed with the bytes as they
// arrive and functions that append frames to a string. Made for hundreds of thousands of simulated
// clients: an idle decoder is at most 48 bytes and owns no heap memory, and a message that arrived
// whole and unmasked is not copied. No extensions. The opening handshake is in
// websocket_handshake.h. Thread rule: plain values.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace chat {

/// Which end decodes. Clients mask what they send; servers do not.
enum class WebSocketRole : uint8_t { client, server };

enum class WebSocketOpcode : uint8_t {
  continuation = 0,
  text = 1,
  binary = 2,
  close = 8,
  ping = 9,
  pong = 10,
};

/// Close codes that the codec itself uses (RFC 6455, 7.4.1).
namespace websocket_close {
inline constexpr uint16_t kNormal = 1000;
inline constexpr uint16_t kProtocolError = 1002;
inline constexpr uint16_t kNoStatus =
    1005;  ///< Stands for a Close frame without a code; never sent.
inline constexpr uint16_t kInvalidText = 1007;
inline constexpr uint16_t kTooBig = 1009;
}  // namespace websocket_close

/// True when a Close frame may carry the code: the registered ones and 3000–4999.
bool is_valid_close_code(uint16_t code);

/// What WebSocketDecoder::next() found.
struct WebSocketEvent {
  enum class Kind : uint8_t {
    need_more,  ///< All input is consumed.
    message,    ///< A whole text or binary message, or a ping, pong or close.
    failed,     ///< The peer broke the protocol: send a Close with close_code and hang up.
  };
  Kind kind = Kind::need_more;
  WebSocketOpcode opcode = WebSocketOpcode::continuation;
  uint16_t close_code = 0;        ///< Of a close (kNoStatus without one) or a failure.
  std::string_view payload = {};  ///< Of a close: the reason. Of a failure: what was wrong.
};

class WebSocketDecoder {
 public:
  /// Data messages over `message_bytes_max` fail with kTooBig before they are buffered.
  WebSocketDecoder(WebSocketRole role, uint32_t message_bytes_max);

  /// Consumes bytes from the front of `input` up to the end of the next message. Call it until it
  /// answers need_more; a payload is valid until the next call and as long as the input's memory
  /// is. After a close or a failure all further input is swallowed, or fails again.
  WebSocketEvent next(std::string_view& input);

  /// True between messages, when the decoder owns no memory.
  bool idle() const;

 private:
  struct Buffers {
    std::string message;  ///< Fragments of a data message.
    std::string control;  ///< The payload of a control frame.
  };
  enum class State : uint8_t { header, payload, closed, failed };

  bool read_header(std::string_view& input);
  WebSocketEvent begin_frame();
  WebSocketEvent check_header() const;
  size_t header_size() const;
  WebSocketEvent take_payload(std::string_view& input);
  WebSocketEvent finish_frame(std::string_view payload);
  WebSocketEvent finish_close(std::string_view payload);
  WebSocketEvent fail(uint16_t close_code, std::string_view what);
  std::string& buffer();

  bool final() const { return (header_[0] & 0x80) != 0; }
  bool masked() const { return (header_[1] & 0x80) != 0; }
  bool control() const { return (header_[0] & 0x08) != 0; }
  WebSocketOpcode opcode() const { return static_cast<WebSocketOpcode>(header_[0] & 0x0f); }

  std::unique_ptr<Buffers> buffers_;
  uint64_t payload_left_ = 0;
  uint32_t message_bytes_max_;
  std::array<uint8_t, 14> header_{};
  uint8_t header_bytes_ = 0;
  uint8_t mask_at_ = 0;
  WebSocketRole role_;
  State state_ = State::header;
  WebSocketOpcode message_opcode_ =
      WebSocketOpcode::continuation;  ///< Of a begun fragmented message.
  bool release_ = false;  ///< The message in the buffer was handed out; the next call frees it.
  uint16_t fail_code_ = 0;
};
static_assert(sizeof(WebSocketDecoder) <= 48);

/// Appends one frame as a client sends it, masked with `mask` (RFC 6455 wants it unpredictable).
void append_client_frame(std::string& out, WebSocketOpcode opcode, std::string_view payload,
                         uint32_t mask, bool final = true);
/// Appends one frame as a server sends it.
void append_server_frame(std::string& out, WebSocketOpcode opcode, std::string_view payload,
                         bool final = true);
/// The payload of a Close frame; the reason is cut to 123 bytes. kNoStatus gives an empty payload.
std::string close_payload(uint16_t code, std::string_view reason);

/// XORs `bytes` with the four bytes of `mask` (most significant first), starting with byte `offset`
/// of the mask.
void apply_mask(char* bytes, size_t size, uint32_t mask, size_t offset);


}  // namespace chat
