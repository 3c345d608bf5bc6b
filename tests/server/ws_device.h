// WsDevice: a device of a test on a real socket: says Hello and syncs to head, sends frames, waits.
// It blocks in poll() until what it waits for comes; after half a minute the test fails.
#pragma once

#include <gtest/gtest.h>
#include <poll.h>

#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "core/wire/chat.pb.h"
#include "core/wire/frame_codec.h"
#include "core/wire/websocket.h"
#include "tests/server/transport/tcp_peer.h"

namespace chat {

class WsDevice {
 public:
  explicit WsDevice(uint16_t port, Encoding encoding = Encoding::proto)
      : encoding_(encoding), peer_(port) {
    peer_.upgrade(wire::subprotocol_of(encoding));
    wait_until([this] { return peer_.input().find("\r\n\r\n") != std::string::npos; });
    peer_.input().erase(0, peer_.input().find("\r\n\r\n") + 4);
  }

  void tell(const v1::ClientFrame& frame) {
    v1::ClientBatch batch;
    *batch.add_frames() = frame;
    std::string bytes;
    append_client_frame(
        bytes, encoding_ == Encoding::proto ? WebSocketOpcode::binary : WebSocketOpcode::text,
        wire::encode_client_batch(encoding_, batch), 0x01020304);
    peer_.write(bytes);
  }

  /// The first frame that `wanted` accepts; it is taken, others stay.
  v1::ServerFrame take(const std::function<bool(const v1::ServerFrame&)>& wanted) {
    v1::ServerFrame found;
    wait_until([&] {
      read();
      for (auto frame = frames_.begin(); frame != frames_.end(); ++frame) {
        if (!wanted(*frame)) continue;
        found = *frame;
        frames_.erase(frame);
        return true;
      }
      return close_code_.has_value();
    });
    return found;
  }

  v1::ServerFrame ask(v1::ClientFrame frame) {
    const uint32_t id = ++last_id_;
    frame.set_id(id);
    tell(frame);
    return take([id](const v1::ServerFrame& reply) { return reply.reply_to() == id; });
  }

  v1::ServerFrame hello(std::string_view token, std::string_view device_id = "phone") {
    v1::ClientFrame frame;
    frame.mutable_hello()->set_token(std::string(token));
    frame.mutable_hello()->set_device_id(std::string(device_id));
    const v1::ServerFrame reply = ask(frame);
    if (reply.has_welcome() && !reply.welcome().live()) {
      // What comes while a page is read asks for another one.
      v1::ClientFrame sync;
      sync.mutable_sync();
      for (bool done = false; !done;) {
        const v1::ServerFrame page = ask(sync);
        EXPECT_TRUE(page.has_sync_page()) << page.ShortDebugString();
        done = !page.has_sync_page() || page.sync_page().done();
        sync.mutable_sync()->set_from_inbox_seq(page.sync_page().next());
      }
    }
    return reply;
  }

  v1::ServerFrame say(uint64_t peer_user_id, std::string_view text, std::string_view key) {
    v1::ClientFrame frame;
    frame.mutable_send()->set_peer_user_id(peer_user_id);
    frame.mutable_send()->set_text(std::string(text));
    frame.mutable_send()->set_client_msg_id(
        (std::string(key) + std::string(16, '.')).substr(0, 16));
    return ask(frame);
  }

  /// The next pushed message with this text.
  v1::ServerFrame hear(std::string_view text) {
    return take(
        [text](const v1::ServerFrame& frame) { return frame.event().message().text() == text; });
  }

  uint16_t closed() {
    wait_until([this] {
      read();
      return close_code_.has_value();
    });
    return close_code_.value_or(0);
  }

  void hang_up() { peer_.hang_up(); }

 private:
  void wait_until(const std::function<bool()>& done) {
    for (int i = 0; !done(); ++i) {
      ASSERT_LT(i, 300) << "nothing came";
      pollfd ready{peer_.descriptor(), POLLIN, 0};
      poll(&ready, 1, 100);
    }
  }

  void read() {
    const bool ended = peer_.ended();  // Asked first: all that came before the end is taken now.
    const std::string bytes = peer_.take_input();
    std::string_view rest = bytes;
    for (auto event = decoder_.next(rest); event.kind == WebSocketEvent::Kind::message;
         event = decoder_.next(rest)) {
      if (event.opcode == WebSocketOpcode::close) {
        close_code_ = event.close_code;
        std::string answer;
        append_client_frame(answer, WebSocketOpcode::close, close_payload(event.close_code, ""),
                            0x01020304);
        peer_.write(answer);
        return;
      }
      v1::ServerBatch batch;
      EXPECT_TRUE(wire::decode_server_batch(encoding_, event.payload, batch).has_value());
      for (const auto& frame : batch.frames()) frames_.push_back(frame);
    }
    if (ended && !close_code_) close_code_ = 1006;
  }

  const Encoding encoding_;
  TcpPeer peer_;
  WebSocketDecoder decoder_{WebSocketRole::client, 1 << 20};
  std::deque<v1::ServerFrame> frames_;
  std::optional<uint16_t> close_code_;
  uint32_t last_id_ = 0;
};

}  // namespace chat
