#include "core/wire/websocket.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "core/base/utf8.h"

namespace chat {
namespace {

using Kind = WebSocketEvent::Kind;

constexpr size_t kControlBytesMax = 125;

uint64_t big_endian(const uint8_t* bytes, size_t size) {
  uint64_t value = 0;
  for (size_t i = 0; i < size; ++i) value = value << 8 | bytes[i];
  return value;
}

void put_big_endian(std::string& out, uint64_t value, int size) {
  for (int i = size - 1; i >= 0; --i) out.push_back(static_cast<char>(value >> (8 * i)));
}

void append_header(std::string& out, WebSocketOpcode opcode, size_t size, bool final,
                   uint8_t mask_bit) {
  out.push_back(static_cast<char>((final ? 0x80 : 0) | static_cast<uint8_t>(opcode)));
  if (size < 126) {
    out.push_back(static_cast<char>(mask_bit | size));
  } else if (size < 65'536) {
    out.push_back(static_cast<char>(mask_bit | 126));
    put_big_endian(out, size, 2);
  } else {
    out.push_back(static_cast<char>(mask_bit | 127));
    put_big_endian(out, size, 8);
  }
}

bool is_known(WebSocketOpcode opcode) {
  switch (opcode) {
    case WebSocketOpcode::continuation:
    case WebSocketOpcode::text:
    case WebSocketOpcode::binary:
    case WebSocketOpcode::close:
    case WebSocketOpcode::ping:
    case WebSocketOpcode::pong:
      return true;
  }
  return false;
}

WebSocketEvent failure(uint16_t close_code, std::string_view what) {
  return {.kind = Kind::failed, .close_code = close_code, .payload = what};
}

WebSocketEvent protocol_error(std::string_view what) {
  return failure(websocket_close::kProtocolError, what);
}

}  // namespace

bool is_valid_close_code(uint16_t code) {
  if (code >= 3000) return code <= 4999;
  return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014);
}

WebSocketDecoder::WebSocketDecoder(WebSocketRole role, uint32_t message_bytes_max)
    : message_bytes_max_(message_bytes_max), role_(role) {}

bool WebSocketDecoder::idle() const {
  return state_ == State::header && header_bytes_ == 0 && buffers_ == nullptr;
}

WebSocketEvent WebSocketDecoder::next(std::string_view& input) {
  if (std::exchange(release_, false)) {
    // A ping between two fragments must not take the fragments with it.
    if (message_opcode_ == WebSocketOpcode::continuation) {
      buffers_.reset();
    } else {
      buffers_->control.clear();
    }
  }
  for (;;) {
    WebSocketEvent event;
    switch (state_) {
      case State::closed:
        input = {};
        return {};
      case State::failed:
        input = {};
        return failure(fail_code_, "failed before");
      case State::header:
        if (!read_header(input)) return {};
        event = begin_frame();
        break;
      case State::payload:
        event = take_payload(input);
        break;
    }
    if (event.kind == Kind::failed) return fail(event.close_code, event.payload);
    if (event.kind == Kind::message) return event;
    if (state_ == State::payload && payload_left_ > 0 && input.empty()) return {};
  }
}

// Collects header bytes; true when the header is complete.
bool WebSocketDecoder::read_header(std::string_view& input) {
  while (header_bytes_ < 2 || header_bytes_ < header_size()) {
    const size_t wanted = header_bytes_ < 2 ? 2 : header_size();
    const size_t count = std::min(wanted - header_bytes_, input.size());
    if (count == 0) return false;
    std::memcpy(header_.data() + header_bytes_, input.data(), count);
    header_bytes_ = static_cast<uint8_t>(header_bytes_ + count);
    input.remove_prefix(count);
  }
  return true;
}

size_t WebSocketDecoder::header_size() const {
  const uint8_t length = header_[1] & 0x7f;
  const size_t extended = length == 127 ? 8 : length == 126 ? 2 : 0;
  return 2 + extended + (masked() ? 4 : 0);
}

WebSocketEvent WebSocketDecoder::begin_frame() {
  const uint8_t length = header_[1] & 0x7f;
  payload_left_ = length < 126 ? length : big_endian(&header_[2], length == 126 ? 2 : 8);
  if (const WebSocketEvent wrong = check_header(); wrong.kind == Kind::failed) return wrong;
  if (!control() && opcode() != WebSocketOpcode::continuation && !final()) {
    message_opcode_ = opcode();
  }
  mask_at_ = 0;
  state_ = State::payload;
  return {};
}

WebSocketEvent WebSocketDecoder::check_header() const {
  const uint8_t length = header_[1] & 0x7f;
  if ((header_[0] & 0x70) != 0) return protocol_error("a reserved bit is set");
  if (!is_known(opcode())) return protocol_error("unknown opcode");
  if (masked() != (role_ == WebSocketRole::server)) {
    return protocol_error(masked() ? "a server's frame is masked"
                                   : "a client's frame is not masked");
  }
  if ((length == 126 && payload_left_ < 126) || (length == 127 && payload_left_ < 65'536) ||
      payload_left_ >> 63 != 0) {
    return protocol_error("the length is not in its shortest form");
  }
  if (control()) {
    if (!final()) return protocol_error("a control frame is fragmented");
    if (payload_left_ > kControlBytesMax) return protocol_error("a control frame is too long");
    return {};
  }
  const bool begun = message_opcode_ != WebSocketOpcode::continuation;
  if (begun != (opcode() == WebSocketOpcode::continuation)) {
    return protocol_error(begun ? "a new message begins inside another"
                                : "a continuation without a beginning");
  }
  const size_t have = begun && buffers_ ? buffers_->message.size() : 0;
  if (payload_left_ > message_bytes_max_ - have) {
    return failure(websocket_close::kTooBig, "the message is too big");
  }
  return {};
}

WebSocketEvent WebSocketDecoder::take_payload(std::string_view& input) {
  const bool whole_message =
      control() || (final() && message_opcode_ == WebSocketOpcode::continuation);
  const bool untouched = mask_at_ == 0 && (!buffers_ || buffer().empty());
  const auto count = static_cast<size_t>(std::min<uint64_t>(payload_left_, input.size()));
  const std::string_view part = input.substr(0, count);
  const bool readable = !masked() || count == 0;
  if (count == payload_left_ && readable && whole_message && untouched) {
    input.remove_prefix(count);
    return finish_frame(part);
  }
  if (count > 0) {
    std::string& target = buffer();
    const size_t old_size = target.size();
    target.append(part);
    if (masked()) {
      const auto mask = static_cast<uint32_t>(big_endian(&header_[header_size() - 4], 4));
      apply_mask(target.data() + old_size, count, mask, mask_at_);
      mask_at_ = static_cast<uint8_t>((mask_at_ + count) % 4);
    }
    input.remove_prefix(count);
    payload_left_ -= count;
  }
  if (payload_left_ > 0) return {};
  if (!whole_message && !final()) {
    state_ = State::header;
    header_bytes_ = 0;
    return {};
  }
  release_ = true;
  return finish_frame(buffer());
}

// Where the current frame's payload is collected.
std::string& WebSocketDecoder::buffer() {
  if (!buffers_) buffers_ = std::make_unique<Buffers>();
  return control() ? buffers_->control : buffers_->message;
}

WebSocketEvent WebSocketDecoder::finish_frame(std::string_view payload) {
  state_ = State::header;
  header_bytes_ = 0;
  WebSocketEvent event{.kind = Kind::message, .opcode = opcode(), .payload = payload};
  if (event.opcode == WebSocketOpcode::close) return finish_close(payload);
  if (event.opcode == WebSocketOpcode::continuation) {
    event.opcode = std::exchange(message_opcode_, WebSocketOpcode::continuation);
  }
  if (event.opcode == WebSocketOpcode::text && !is_utf8(payload)) {
    return failure(websocket_close::kInvalidText, "a text message is not UTF-8");
  }
  return event;
}

WebSocketEvent WebSocketDecoder::finish_close(std::string_view payload) {
  state_ = State::closed;
  WebSocketEvent event{.kind = Kind::message,
                       .opcode = WebSocketOpcode::close,
                       .close_code = websocket_close::kNoStatus};
  if (payload.empty()) return event;
  if (payload.size() == 1) return protocol_error("a close frame has half a code");
  const auto* bytes = reinterpret_cast<const uint8_t*>(payload.data());
  event.close_code = static_cast<uint16_t>(big_endian(bytes, 2));
  event.payload = payload.substr(2);
  if (!is_valid_close_code(event.close_code)) return protocol_error("invalid close code");
  if (!is_utf8(event.payload)) {
    return failure(websocket_close::kInvalidText, "a close reason is not UTF-8");
  }
  return event;
}

WebSocketEvent WebSocketDecoder::fail(uint16_t close_code, std::string_view what) {
  state_ = State::failed;
  fail_code_ = close_code;
  message_opcode_ = WebSocketOpcode::continuation;
  release_ = false;
  buffers_.reset();
  return failure(close_code, what);
}

void append_client_frame(std::string& out, WebSocketOpcode opcode, std::string_view payload,
                         uint32_t mask, bool final) {
  append_header(out, opcode, payload.size(), final, 0x80);
  put_big_endian(out, mask, 4);
  const size_t start = out.size();
  out.append(payload);
  apply_mask(out.data() + start, payload.size(), mask, 0);
}

void append_server_frame(std::string& out, WebSocketOpcode opcode, std::string_view payload,
                         bool final) {
  append_header(out, opcode, payload.size(), final, 0);
  out.append(payload);
}

std::string close_payload(uint16_t code, std::string_view reason) {
  std::string out;
  if (code == websocket_close::kNoStatus) return out;
  put_big_endian(out, code, 2);
  size_t size = std::min(reason.size(), kControlBytesMax - 2);
  // Cut between characters, else the peer fails the close as invalid text.
  while (size < reason.size() && size > 0 && (reason[size] & 0xc0) == 0x80) --size;
  out.append(reason.substr(0, size));
  return out;
}

void apply_mask(char* bytes, size_t size, uint32_t mask, size_t offset) {
  std::array<char, 8> key;
  for (size_t i = 0; i < key.size(); ++i) {
    key[i] = static_cast<char>(mask >> (8 * (3 - (i + offset) % 4)));
  }
  uint64_t wide;
  std::memcpy(&wide, key.data(), 8);
  size_t i = 0;
  for (; i + 8 <= size; i += 8) {
    uint64_t word;
    std::memcpy(&word, bytes + i, 8);
    word ^= wide;
    std::memcpy(bytes + i, &word, 8);
  }
  for (; i < size; ++i) bytes[i] = static_cast<char>(bytes[i] ^ key[i % 8]);
}

}  // namespace chat
