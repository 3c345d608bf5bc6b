// The WebSocket codec: a client's frames out, a server's frames in, and the reverse.
#include <benchmark/benchmark.h>

#include <string>

#include "core/wire/websocket.h"

namespace chat {
namespace {

constexpr int kFrames = 64;

void BM_WebSocketEncodeAsClient(benchmark::State& state) {
  const std::string payload(static_cast<size_t>(state.range(0)), 'x');
  std::string out;
  for (auto _ : state) {
    out.clear();
    for (uint32_t i = 0; i < kFrames; ++i) {
      append_client_frame(out, WebSocketOpcode::binary, payload, i * 2'654'435'761u);
    }
    benchmark::DoNotOptimize(out.data());
  }
  state.SetItemsProcessed(state.iterations() * kFrames);
  state.SetBytesProcessed(state.iterations() * kFrames * state.range(0));
}
BENCHMARK(BM_WebSocketEncodeAsClient)->Arg(10)->Arg(300)->Arg(16'384);

void decode(benchmark::State& state, WebSocketRole role, const std::string& bytes) {
  WebSocketDecoder decoder(role, 1 << 20);
  for (auto _ : state) {
    std::string_view input = bytes;
    while (decoder.next(input).kind == WebSocketEvent::Kind::message) {
    }
    if (!input.empty()) state.SkipWithError("the decoder stopped early");
  }
  state.SetItemsProcessed(state.iterations() * kFrames);
  state.SetBytesProcessed(state.iterations() * kFrames * state.range(0));
  state.counters["bytes_per_connection"] = sizeof(decoder);
}

void BM_WebSocketDecodeAsClient(benchmark::State& state) {
  const std::string payload(static_cast<size_t>(state.range(0)), 'x');
  std::string bytes;
  for (int i = 0; i < kFrames; ++i) append_server_frame(bytes, WebSocketOpcode::binary, payload);
  decode(state, WebSocketRole::client, bytes);
}
BENCHMARK(BM_WebSocketDecodeAsClient)->Arg(10)->Arg(300)->Arg(16'384);

void BM_WebSocketDecodeAsServer(benchmark::State& state) {
  const std::string payload(static_cast<size_t>(state.range(0)), 'x');
  std::string bytes;
  for (uint32_t i = 0; i < kFrames; ++i) {
    append_client_frame(bytes, WebSocketOpcode::binary, payload, i * 2'654'435'761u);
  }
  decode(state, WebSocketRole::server, bytes);
}
BENCHMARK(BM_WebSocketDecodeAsServer)->Arg(10)->Arg(300)->Arg(16'384);

}  // namespace
}  // namespace chat
