// Client messages against the frame decoders and an engine that serves them. The input is a list of
// records (u8 kind, u16 size little-endian, bytes): messages on a Protobuf (even kind) or JSON (odd
// kind) connection of a user who has said hello. The engine may refuse, answer or close, but never
// crash; what decodes is the same after encoding it again.
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>

#include "core/base/assert.h"
#include "core/engine/engine.h"
#include "core/wire/chat.pb.h"
#include "core/wire/frame_codec.h"
#include "sim/memory_store/memory_chat_store.h"

namespace chat {
namespace {

constexpr EngineRef kSelf{EngineId{1}, Incarnation{1}};

void check_round_trip(Encoding encoding, std::string_view bytes) {
  v1::ClientBatch batch, again;
  if (!wire::decode_client_batch(encoding, bytes, batch)) return;
  const std::string encoded = wire::encode_client_batch(encoding, batch);
  CHAT_ASSERT(wire::decode_client_batch(encoding, encoded, again).has_value());
  CHAT_ASSERT(encoded == wire::encode_client_batch(encoding, again));
  v1::ServerBatch server;
  (void)wire::decode_server_batch(encoding, bytes, server).has_value();
}

/// One engine with its store; every output is answered in the next turn.
class Run {
 public:
  Run() : engine_({.self = kSelf, .store_epoch = 7, .policy = {}}) {
    inputs_.push_back(RingChanged{{kSelf}});
    settle();
  }

  void record(uint8_t kind, std::string_view bytes) {
    const Encoding encoding = kind % 2 == 0 ? Encoding::proto : Encoding::json;
    check_round_trip(encoding, bytes);
    ConnId& conn = encoding == Encoding::proto ? proto_ : json_;
    if (!conn) open(encoding, conn);
    inputs_.push_back(Received{conn, std::string(bytes)});
    settle();
  }

 private:
  void open(Encoding encoding, ConnId& conn) {
    conn = ConnId{next_conn_++};
    inputs_.push_back(Opened{conn, encoding, "127.0.0.1"});
    v1::ClientBatch batch;
    v1::Hello& hello = *batch.add_frames()->mutable_hello();
    hello.set_token("token");
    hello.set_device_id(encoding == Encoding::proto ? "proto" : "json");
    inputs_.push_back(Received{conn, wire::encode_client_batch(encoding, batch)});
    settle();
  }

  void settle() {
    do {
      now_ = now_ + milliseconds(400);
      engine_.begin_turn(now_, WallTime{1'000'000 + now_.ns / 1'000'000});
      while (!inputs_.empty()) {
        engine_.handle(std::move(inputs_.front()));
        inputs_.pop_front();
      }
      engine_.end_turn();
      for (Output output; engine_.poll(output);) {
        std::visit([this](auto& out) { execute(out); }, output);
      }
    } while (!inputs_.empty());
  }

  void execute(Send& send) {
    v1::ServerBatch batch;
    const Encoding encoding = send.conn == proto_ ? Encoding::proto : Encoding::json;
    CHAT_ASSERT(wire::decode_server_batch(encoding, *send.bytes, batch).has_value());
    inputs_.push_back(Sent{send.conn});
  }
  void execute(Close& close) {
    inputs_.push_back(Closed{close.conn, close.code});
    (close.conn == proto_ ? proto_ : json_) = ConnId{};
  }
  void execute(Store& store) {
    StoreResult result = is_write(store.command) ? store_.write({&store.command, 1}).front()
                                                 : store_.read(store.command);
    inputs_.push_back(StoreDone{store.token, std::move(result)});
  }
  void execute(Authenticate& ask) {
    inputs_.push_back(AuthDone{ask.token, Identity{UserId{1}, "fuzz", WallTime{INT64_MAX}}});
  }
  void execute(CheckUsers& ask) {
    inputs_.push_back(AccountDone{ask.token, std::vector<UserId>{}});
  }
  void execute(Delay& delay) { inputs_.push_back(DelayDone{delay.token, Status()}); }
  void execute(PeerSend&) {}
  void execute(WakeAt&) {}
  void execute(ResponseOutput&) {}
  void execute(Journal&) {}

  MemoryChatStore store_{7};
  Engine engine_;
  std::deque<Input> inputs_;
  Instant now_;
  ConnId proto_, json_;
  uint64_t next_conn_ = 1;
};

}  // namespace
}  // namespace chat

extern "C" int LLVMFuzzerInitialize(int*, char***) {
  chat::wire::quiet_parser();
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  chat::Run run;
  std::string_view input(reinterpret_cast<const char*>(data), size);
  while (input.size() >= 3) {
    const auto kind = static_cast<uint8_t>(input[0]);
    const size_t length = static_cast<uint8_t>(input[1]) | static_cast<uint8_t>(input[2]) << 8;
    input.remove_prefix(3);
    run.record(kind, input.substr(0, length));
    input.remove_prefix(std::min(length, input.size()));
  }
  return 0;
}
