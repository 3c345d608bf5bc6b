// The durable store: appends in groups of different sizes, one sync per group, and reads of what
// they wrote. Figures depend on the disk of the temporary directory.
#include <benchmark/benchmark.h>

#include <cstring>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "server/rocksdb/rocks_chat_store.h"
#include "tests/support/temp_dir.h"

namespace chat {
namespace {

constexpr uint64_t kChats = 1024;

std::unique_ptr<ChatStore> open_store(const TempDir& dir) {
  auto store = open_rocks_store({.dir = dir.path()});
  if (!store) throw std::runtime_error(store.error().text);
  return std::move(*store);
}

/// One message of 200 bytes with its idempotency key.
AppendEvents message(uint64_t chat, uint64_t expected_last_seq) {
  AppendEvents append;
  append.chat = ChatId::direct(UserId{chat + 1}, UserId{chat + 2});
  append.expected_last_seq = expected_last_seq;
  append.row.kind = ChatKind::direct;
  append.row.last_seq = expected_last_seq + 1;
  append.row.last_ts_ms = 1'700'000'000'000;
  append.events = {{append.row.last_seq, std::string(200, 'x')}};
  KeyRow key;
  key.user = UserId{chat + 1};
  std::memcpy(key.key.bytes.data(), &append.row.last_seq, 8);
  key.seq = append.row.last_seq;
  key.expires_ms = append.row.last_ts_ms + 1;
  append.keys = {key};
  append.pending = true;
  return append;
}

/// What the user home writes for that message.
AppendInboxes inbox_of(uint64_t user, uint64_t expected_head) {
  InboxWrite write;
  write.user = UserId{user + 1};
  write.expected_head = expected_head;
  write.new_head = expected_head + 1;
  const ChatId chat = ChatId::direct(UserId{user + 1}, UserId{user + 2});
  write.rows = {{InboxRow::Kind::run, write.new_head, chat, write.new_head, 1}};
  write.chats = {{chat, write.new_head, 0}};
  return {{write}};
}

void BM_StoreAppendGrouped(benchmark::State& state) {
  const TempDir dir;
  const auto store = open_store(dir);
  const auto group = static_cast<uint64_t>(state.range(0));
  std::vector<uint64_t> heads(kChats);
  uint64_t next = 0;
  for (auto _ : state) {
    state.PauseTiming();
    std::vector<StoreCommand> commands;
    for (uint64_t i = 0; i < group; ++i, ++next) {
      commands.push_back(message(next % kChats, heads[next % kChats]++));
    }
    state.ResumeTiming();
    for (const StoreResult& result : store->write(commands)) {
      if (std::get<AppendResult>(result).outcome != WriteOutcome::stored) {
        state.SkipWithError("an append was not stored");
      }
    }
  }
  state.SetItemsProcessed(static_cast<int64_t>(next));
}
BENCHMARK(BM_StoreAppendGrouped)->Arg(1)->Arg(16)->Arg(256)->Arg(1024)->UseRealTime();

void BM_StoreInboxGrouped(benchmark::State& state) {
  const TempDir dir;
  const auto store = open_store(dir);
  const auto group = static_cast<uint64_t>(state.range(0));
  std::vector<uint64_t> heads(kChats);
  uint64_t next = 0;
  for (auto _ : state) {
    state.PauseTiming();
    std::vector<StoreCommand> commands;
    for (uint64_t i = 0; i < group; ++i, ++next) {
      commands.push_back(inbox_of(next % kChats, heads[next % kChats]++));
    }
    state.ResumeTiming();
    benchmark::DoNotOptimize(store->write(commands));
  }
  state.SetItemsProcessed(static_cast<int64_t>(next));
}
BENCHMARK(BM_StoreInboxGrouped)->Arg(256)->UseRealTime();

void BM_StoreReadHistory(benchmark::State& state) {
  const TempDir dir;
  const auto store = open_store(dir);
  std::vector<StoreCommand> commands;
  for (uint64_t seq = 0; seq < 2000; ++seq) commands.push_back(message(1, seq));
  store->write(commands);
  ReadEvents read{std::get<AppendEvents>(commands[0]).chat};
  read.limit = 50;
  read.newest_first = true;
  for (auto _ : state) benchmark::DoNotOptimize(store->read(read));
  state.SetItemsProcessed(state.iterations() * 50);
}
BENCHMARK(BM_StoreReadHistory);

}  // namespace
}  // namespace chat
