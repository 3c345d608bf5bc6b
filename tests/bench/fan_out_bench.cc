// One message through a whole engine: from the sender's frame over both commits to the Sends of
// every member's session. The store is in memory and answers at once, so this is the engine's own
// cost; the kernel's comes on top.
#include <benchmark/benchmark.h>

#include <deque>
#include <string>

#include "core/engine/engine.h"
#include "core/wire/chat.pb.h"
#include "core/wire/frame_codec.h"
#include "sim/memory_store/memory_chat_store.h"

namespace chat {
namespace {

constexpr EngineRef kSelf{EngineId{1}, Incarnation{1}};

class Host {
 public:
  Host(v1::ChatKind kind, uint64_t members)
      : engine_({.self = kSelf, .store_epoch = 7, .policy = policy()}) {
    inputs_.push_back(RingChanged{{kSelf}});
    auto request = std::make_shared<v1::Request>();
    request->mutable_create_chat()->set_kind(kind);
    request->mutable_create_chat()->set_chat_id(chat_.str());
    for (uint64_t user = 1; user <= members; ++user) {
      request->mutable_create_chat()->add_member_ids(user);
    }
    inputs_.push_back(RequestInput{RequestId{1}, request});
    settle();
    for (uint64_t user = 1; user <= members; ++user) join(user, kind == v1::ROOM);
    deliveries_ = 0;
  }

  /// The number of events that were pushed.
  uint64_t say(const std::string& text) {
    const uint64_t before = engine_.counters().events_pushed;
    v1::ClientBatch batch;
    v1::Send& send = *batch.add_frames()->mutable_send();
    send.set_chat_id(chat_.str());
    std::string key(16, 'k');
    key.replace(0, 8, reinterpret_cast<const char*>(&++sent_), 8);
    send.set_client_msg_id(key);
    send.set_text(text);
    inputs_.push_back(Received{ConnId{1}, wire::encode_client_batch(Encoding::proto, batch)});
    settle();
    return engine_.counters().events_pushed - before;
  }

 private:
  static EnginePolicy policy() {
    EnginePolicy policy;
    policy.limits.sends_per_second_user = 1'000'000'000;
    policy.limits.group_members_max = 499;
    policy.heartbeat_interval = seconds(3'600);
    return policy;
  }

  void join(uint64_t user, bool room) {
    const ConnId conn{user};
    inputs_.push_back(Opened{conn, Encoding::proto, ""});
    v1::ClientBatch batch;
    batch.add_frames()->mutable_hello()->set_token(std::to_string(user));
    batch.mutable_frames(0)->mutable_hello()->set_device_id("bench");
    batch.add_frames()->mutable_sync();
    if (room) batch.add_frames()->mutable_sync()->set_chat_id(chat_.str());
    inputs_.push_back(Received{conn, wire::encode_client_batch(Encoding::proto, batch)});
    settle();
  }

  void settle() {
    do {
      now_ = now_ + microseconds(10);
      engine_.begin_turn(now_, WallTime{1'700'000'000'000 + now_.ns / 1'000'000});
      for (size_t n = inputs_.size(); n > 0; --n) {
        engine_.handle(std::move(inputs_.front()));
        inputs_.pop_front();
      }
      engine_.end_turn();
      for (Output output; engine_.poll(output);) execute(output);
    } while (!inputs_.empty());
  }

  void execute(Output& output) {
    if (auto* send = std::get_if<Send>(&output)) {
      ++deliveries_;
      inputs_.push_back(Sent{send->conn});
    } else if (auto* store = std::get_if<Store>(&output)) {
      StoreResult result = is_write(store->command) ? store_.write({&store->command, 1}).front()
                                                    : store_.read(store->command);
      inputs_.push_back(StoreDone{store->token, std::move(result)});
    } else if (auto* ask = std::get_if<Authenticate>(&output)) {
      inputs_.push_back(AuthDone{ask->token, Identity{UserId{std::stoull(ask->credentials)}, "user",
                                                      WallTime{INT64_MAX}}});
    } else if (auto* check = std::get_if<CheckUsers>(&output)) {
      inputs_.push_back(AccountDone{check->token, std::vector<UserId>{}});
    }
  }

  const ChatId chat_ = ChatId::named("bench");
  MemoryChatStore store_{7};
  Engine engine_;
  std::deque<Input> inputs_;
  Instant now_;
  uint64_t sent_ = 0;
  uint64_t deliveries_ = 0;
};

void BM_EngineFanOut(benchmark::State& state) {
  Host host(state.range(0) == 0 ? v1::GROUP : v1::ROOM, static_cast<uint64_t>(state.range(1)));
  const std::string text(100, 'x');
  uint64_t deliveries = 0;
  for (auto _ : state) deliveries += host.say(text);
  state.SetItemsProcessed(static_cast<int64_t>(deliveries));
  state.SetLabel(state.range(0) == 0 ? "group, inboxes stored in memory" : "room");
}
BENCHMARK(BM_EngineFanOut)->Args({0, 2})->Args({0, 100})->Args({1, 100})->Args({1, 1'000});

}  // namespace
}  // namespace chat
