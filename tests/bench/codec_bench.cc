// The frame codec both ways in both encodings: a client's Send, and an event that is encoded once
// and joined.
#include <benchmark/benchmark.h>

#include <string>

#include "core/wire/chat.pb.h"
#include "core/wire/frame_codec.h"

namespace chat {
namespace {

Encoding encoding_of(const benchmark::State& state) {
  return state.range(0) == 0 ? Encoding::proto : Encoding::json;
}

v1::ClientBatch sample_send() {
  v1::ClientBatch batch;
  v1::ClientFrame& frame = *batch.add_frames();
  frame.set_id(12);
  frame.mutable_send()->set_chat_id(std::string(16, '\x81'));
  frame.mutable_send()->set_client_msg_id(std::string(16, '\x02'));
  frame.mutable_send()->set_text(std::string(100, 'x'));
  return batch;
}

std::string sample_event() {
  v1::Event event;
  event.set_chat_id(std::string(16, '\x81'));
  event.set_seq(1'000'000);
  event.set_server_ts_ms(1'700'000'000'000);
  event.mutable_actor()->set_user_id(1'000'000);
  event.mutable_actor()->set_name("Ada Lovelace");
  event.mutable_message()->set_text(std::string(100, 'x'));
  return event.SerializeAsString();
}

void BM_EncodeClientSend(benchmark::State& state) {
  const v1::ClientBatch batch = sample_send();
  for (auto _ : state) {
    benchmark::DoNotOptimize(wire::encode_client_batch(encoding_of(state), batch));
  }
  state.SetLabel(std::string(wire::subprotocol_of(encoding_of(state))));
}
BENCHMARK(BM_EncodeClientSend)->Arg(0)->Arg(1);

void BM_DecodeClientSend(benchmark::State& state) {
  const std::string bytes = wire::encode_client_batch(encoding_of(state), sample_send());
  for (auto _ : state) {
    v1::ClientBatch batch;
    if (!wire::decode_client_batch(encoding_of(state), bytes, batch)) state.SkipWithError("decode");
    benchmark::DoNotOptimize(batch);
  }
  state.SetLabel(std::string(wire::subprotocol_of(encoding_of(state))));
}
BENCHMARK(BM_DecodeClientSend)->Arg(0)->Arg(1);

void BM_EncodeEventBody(benchmark::State& state) {
  const std::string event = sample_event();
  for (auto _ : state) {
    benchmark::DoNotOptimize(wire::encode_event_body(encoding_of(state), event).value());
  }
  state.SetLabel(std::string(wire::subprotocol_of(encoding_of(state))));
}
BENCHMARK(BM_EncodeEventBody)->Arg(0)->Arg(1);

void BM_JoinEventFrame(benchmark::State& state) {
  const std::string body = wire::encode_event_body(encoding_of(state), sample_event()).value();
  uint64_t inbox_seq = 1'000;
  for (auto _ : state) {
    benchmark::DoNotOptimize(wire::join_event_frame(encoding_of(state), body, ++inbox_seq, {}));
  }
  state.SetLabel(std::string(wire::subprotocol_of(encoding_of(state))));
}
BENCHMARK(BM_JoinEventFrame)->Arg(0)->Arg(1);

}  // namespace
}  // namespace chat
