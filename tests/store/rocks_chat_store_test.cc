// What is special to the RocksDB store: it keeps everything over a restart and a kill, and says
// what is wrong with a directory that it cannot use.
#include "server/rocksdb/rocks_chat_store.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <optional>
#include <thread>

#include "core/base/random.h"
#include "tests/store/store_fixture.h"
#include "tests/support/temp_dir.h"

namespace chat::store_test {
namespace {

std::unique_ptr<ChatStore> open_at(const std::string& dir) {
  auto store = open_rocks_store({.dir = dir});
  if (!store) throw std::runtime_error(store.error().text);
  return std::move(*store);
}

Error error_of(const Result<std::unique_ptr<ChatStore>>& result) {
  EXPECT_FALSE(result) << "the store opened";
  return result ? Error{} : result.error();
}

/// A death test runs its function again in a child process. The child must use the directory of the
/// parent, and cannot clean up.
class DirOfDeathTest {
 public:
  DirOfDeathTest() {
    const char* of_parent = getenv(kVariable);
    if (of_parent) {
      path_ = of_parent;
    } else {
      path_ = own_.emplace().path();
      setenv(kVariable, path_.c_str(), 1);
    }
  }
  ~DirOfDeathTest() { unsetenv(kVariable); }
  const std::string& path() const { return path_; }

 private:
  static constexpr char kVariable[] = "CHATFLEET_DEATH_TEST_DIR";
  std::optional<TempDir> own_;
  std::string path_;
};

TEST(RocksChatStore, ReopenKeepsEveryRowAndTheEpoch) {
  const TempDir dir;
  const ChatId chat = chat_id("a");
  uint64_t epoch = 0;
  {
    const auto store = open_at(dir.path());
    epoch = store->epoch();
    AppendEvents command = append_of(chat, 0, 3);
    command.keys = {key_row(7, 1, 1)};
    command.members = {{UserId{7}, Role::owner, 1}};
    ASSERT_EQ(append(*store, command).outcome, WriteOutcome::stored);
    InboxWrite write = inbox_of(7, 0, {run_row(1, chat, 1, 3)});
    write.authored = {{chat, 1}};
    ASSERT_EQ(append_inbox(*store, write).outcome, WriteOutcome::stored);
    take<Saved>(write_one(*store, SaveUser{UserId{7}, 2, 100}));
  }
  const auto store = open_at(dir.path());
  EXPECT_EQ(store->epoch(), epoch);
  EXPECT_EQ(read<ChatLoaded>(*store, LoadChat{chat}).members.size(), 1u);
  EXPECT_EQ(seqs_of(read<EventsRead>(*store, ReadEvents{chat})), (std::vector<uint64_t>{1, 2, 3}));
  EXPECT_EQ(read<InboxRead>(*store, ReadInbox{UserId{7}}).entries.size(), 3u);
  EXPECT_EQ(read<UserLoaded>(*store, LoadUser{UserId{7}}).row.delivered_inbox_seq, 2u);
  EXPECT_EQ(read<PendingScanned>(*store, ScanPending{}).chats.size(), 1u);
  EXPECT_EQ(read<UserChatsListed>(*store, ListUserChats{UserId{7}}).items.size(), 1u);
  EXPECT_EQ(read<AuthoredListed>(*store, ListAuthored{UserId{7}}).items.size(), 1u);
  AppendEvents again = append_of(chat, 3, 1);
  again.keys = {key_row(7, 1, 4)};
  EXPECT_EQ(append(*store, again).outcome, WriteOutcome::duplicate);
}

TEST(RocksChatStore, TwoNewStoresHaveDifferentEpochs) {
  const TempDir dir;
  EXPECT_NE(open_at(dir / "a")->epoch(), open_at(dir / "b")->epoch());
}

// ---------------------------------------------------------------- reclaiming

/// Bytes of all tables of a store that is closed, compacted.
uint64_t table_bytes(const std::string& dir, int64_t wall_ms = kNowMs) {
  EXPECT_TRUE(compact_rocks_store({.dir = dir, .wall_ms = [wall_ms] { return wall_ms; }}));
  uint64_t bytes = 0;
  for (const auto& entry : std::filesystem::directory_iterator(dir)) {
    if (entry.path().extension() == ".sst") bytes += entry.file_size();
  }
  return bytes;
}

/// Whether the text stands in a table, as it is.
bool is_in_tables(const std::string& dir, const std::string& text) {
  for (const auto& entry : std::filesystem::directory_iterator(dir)) {
    if (entry.path().extension() != ".sst") continue;
    std::ifstream file(entry.path(), std::ios::binary);
    const std::string bytes{std::istreambuf_iterator<char>(file), {}};
    if (bytes.find(text) != std::string::npos) return true;
  }
  return false;
}

/// Text that does not compress.
std::string noise(uint64_t seed, size_t size) {
  Random random(seed);
  std::string text;
  while (text.size() < size) text.push_back(static_cast<char>(random.below(256)));
  return text;
}

TEST(RocksChatStore, PrunedEventsGiveTheirStorageBack) {
  const TempDir dir;
  constexpr uint64_t kEvents = 1'000;
  const ChatId chat = chat_id("a");
  AppendEvents command = append_of(chat, 0, kEvents);
  for (EventRow& event : command.events) event.stored_event = noise(event.seq, 1'000);
  {
    const auto store = open_at(dir.path());
    ASSERT_EQ(append(*store, command).outcome, WriteOutcome::stored);
  }
  const uint64_t before = table_bytes(dir.path());
  EXPECT_GT(before, kEvents * 1'000);
  {
    const auto store = open_at(dir.path());
    AppendEvents raise = append_of(chat, kEvents, 0);
    raise.row.oldest_seq = kEvents - 10;
    ASSERT_EQ(append(*store, raise).outcome, WriteOutcome::stored);
    EXPECT_EQ(take<Reclaimed>(write_one(*store, PruneChat{chat})).rows, kEvents - 11);
  }
  EXPECT_LT(table_bytes(dir.path()), before / 20);
  const auto store = open_at(dir.path());
  EXPECT_EQ(read<EventsRead>(*store, ReadEvents{chat}).rows.size(), 11u);
}

/// Appends events of one kilobyte each, with a key for each, in a chat of as many members.
void fill(ChatStore& store, const ChatId& chat, uint64_t events) {
  AppendEvents command = append_of(chat, 0, events);
  for (EventRow& event : command.events) {
    event.stored_event = noise(event.seq, 1'000);
    command.keys.push_back(key_row(event.seq, 1, event.seq));
    command.members.push_back({UserId{event.seq}, Role::member, 1});
  }
  command.row.fanned_seq = events;
  ASSERT_EQ(append(store, command).outcome, WriteOutcome::stored);
}

TEST(RocksChatStore, AChatThatIsOverGivesItsStorageBack) {
  const TempDir dir;
  constexpr uint64_t kEvents = 2'000, kKept = 20;
  const ChatId chat = chat_id("over"), kept = chat_id("kept");
  {
    const auto store = open_at(dir.path());
    fill(*store, chat, kEvents);
    fill(*store, kept, kKept);
  }
  const uint64_t before = table_bytes(dir.path());
  EXPECT_GT(before, kEvents * 1'000);
  EXPECT_TRUE(is_in_tables(dir.path(), noise(kEvents, 1'000)));
  {
    const auto store = open_at(dir.path());
    AppendEvents end = append_of(chat, kEvents, 1);
    end.row.fanned_seq = kEvents + 1;
    end.row.ended = true;
    ASSERT_EQ(append(*store, end).outcome, WriteOutcome::stored);
    EXPECT_TRUE(take<Reclaimed>(write_one(*store, DropChat{chat})).complete);
  }
  EXPECT_LT(table_bytes(dir.path()), before / 20);
  EXPECT_FALSE(is_in_tables(dir.path(), noise(kEvents, 1'000)));
  const auto store = open_at(dir.path());
  EXPECT_TRUE(read<ChatLoaded>(*store, LoadChat{chat}).row.value().ended) << "a gravestone stays";
  EXPECT_EQ(read<EventsRead>(*store, ReadEvents{kept}).rows.size(), kKept);
  EXPECT_EQ(read<ChatLoaded>(*store, LoadChat{kept}).members.size(), kKept);
}

TEST(RocksChatStore, ExpiredKeysLeaveTheStoreWhenItCompacts) {
  const TempDir dir;
  AppendEvents command = append_of(chat_id("a"), 0, 2);
  command.keys = {key_row(7, 1, 1), key_row(7, 2, 2)};
  command.keys[1].expires_ms += kWeekMs;
  {
    const auto store = open_at(dir.path());
    ASSERT_EQ(append(*store, command).outcome, WriteOutcome::stored);
  }
  const auto has_key = [&](uint8_t key) {
    const auto store = open_at(dir.path());
    return read<KeyFound>(*store, FindKey{chat_id("a"), UserId{7}, op_key(key)}).row.has_value();
  };
  table_bytes(dir.path(), kNowMs + kWeekMs);
  EXPECT_TRUE(has_key(1)) << "not past its date";
  table_bytes(dir.path(), kNowMs + kWeekMs + 2 * 3'600'000);
  EXPECT_FALSE(has_key(1));
  EXPECT_TRUE(has_key(2));
}

TEST(RocksChatStore, WhatWasReclaimedStaysAwayAfterAReopen) {
  const TempDir dir;
  const ChatId chat = chat_id("a");
  {
    const auto store = open_at(dir.path());
    AppendEvents command = append_of(chat, 0, 9);
    command.members = {{UserId{7}, Role::owner, 1}};
    command.row.fanned_seq = 9;
    command.row.oldest_seq = 5;
    command.row.due_ms = 3;
    ASSERT_EQ(append(*store, command).outcome, WriteOutcome::stored);
    take<Reclaimed>(write_one(*store, PruneChat{chat}));
  }
  {
    const auto store = open_at(dir.path());
    EXPECT_EQ(seqs_of(read<EventsRead>(*store, ReadEvents{chat})),
              (std::vector<uint64_t>{5, 6, 7, 8, 9}));
    EXPECT_EQ(read<AgendaScanned>(*store, ScanAgenda{9}).items.size(), 1u);
    AppendEvents end = append_of(chat, 9, 1);
    end.row.fanned_seq = 10;
    end.row.ended = true;
    ASSERT_EQ(append(*store, end).outcome, WriteOutcome::stored);
    take<Reclaimed>(write_one(*store, DropChat{chat}));
  }
  const auto store = open_at(dir.path());
  const auto loaded = read<ChatLoaded>(*store, LoadChat{chat});
  EXPECT_EQ(loaded.row->oldest_seq, 11u);
  EXPECT_TRUE(loaded.members.empty());
  EXPECT_TRUE(read<AgendaScanned>(*store, ScanAgenda{9}).items.empty());
  EXPECT_TRUE(read<EventsRead>(*store, ReadEvents{chat}).rows.empty());
}

// ---------------------------------------------------------------- kill

constexpr uint64_t kChats = 5;
constexpr uint64_t kKillAfter = 300;

/// Appends to five chats and one inbox per turn without end, and writes one byte to `answers` per
/// answered turn. Kills its own process, in the middle of whatever it does, once `kKillAfter` turns
/// were answered.
void write_until_killed(const std::string& dir, const std::string& answers) {
  const auto store = open_at(dir);
  const int file = open(answers.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
  std::atomic<uint64_t> answered{0};
  std::thread killer([&] {
    while (answered.load() < kKillAfter) std::this_thread::yield();
    kill(getpid(), SIGKILL);
  });
  for (uint64_t turn = 0;; ++turn) {
    std::vector<StoreCommand> commands;
    AppendInboxes inboxes;
    for (uint64_t n = 0; n < kChats; ++n) {
      commands.push_back(append_of(chat_id(std::to_string(n)), turn, 1));
    }
    inboxes.writes = {inbox_of(7, turn, {run_row(turn + 1, chat_id("0"), turn + 1, 1)})};
    commands.push_back(inboxes);
    for (const StoreResult& result : store->write(commands)) {
      if (std::holds_alternative<Error>(result)) std::abort();
    }
    if (write(file, "+", 1) != 1) std::abort();
    answered.store(turn + 1);
  }
}

TEST(RocksChatStoreDeathTest, AKillInTheMiddleOfWritesLosesNothingThatWasAnswered) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  const DirOfDeathTest shared;
  const std::string& dir = shared.path();
  EXPECT_EXIT(write_until_killed(dir + "/store", dir + "/answers"),
              testing::KilledBySignal(SIGKILL), "");

  const uint64_t answered = std::filesystem::file_size(dir + "/answers");
  ASSERT_GE(answered, kKillAfter);
  const auto store = open_at(dir + "/store");
  for (uint64_t n = 0; n < kChats; ++n) {
    const ChatId chat = chat_id(std::to_string(n));
    const uint64_t head = read<ChatLoaded>(*store, LoadChat{chat}).row.value().last_seq;
    EXPECT_GE(head, answered);
    EXPECT_LE(head, answered + 1);
    ReadEvents all{chat};
    all.limit = 1'000'000;
    all.bytes_max = 1 << 30;
    EXPECT_EQ(read<EventsRead>(*store, all).rows.size(), head);
  }
  EXPECT_GE(read<UserLoaded>(*store, LoadUser{UserId{7}}).row.inbox_head, answered);
}

// ---------------------------------------------------------------- trouble

/// Runs in a child process: its files may not grow, so every write of the store fails.
void write_without_room(const std::string& dir) {
  std::string told;
  auto store = open_rocks_store({.dir = dir, .log = [&](std::string_view text) { told = text; }});
  if (!store) _exit(1);
  signal(SIGXFSZ, SIG_IGN);
  const rlimit nothing{0, RLIM_INFINITY};
  setrlimit(RLIMIT_FSIZE, &nothing);
  AppendInboxes inboxes;
  inboxes.writes = {inbox_of(7, 0, {run_row(1, chat_id("a"), 1, 1)})};
  const std::vector<StoreCommand> commands{append_of(chat_id("a"), 0, 1), inboxes,
                                           append_of(chat_id("b"), 9, 1),
                                           SaveUser{UserId{7}, 1, 1}};
  const auto results = (*store)->write(commands);
  const bool unknown =
      std::get<AppendResult>(results[0]).outcome == WriteOutcome::unknown &&
      std::get<AppendInboxesResult>(results[1]).results.at(0).outcome == WriteOutcome::unknown &&
      std::get<AppendResult>(results[2]).outcome == WriteOutcome::unknown &&
      std::get<Error>(results[3]).code == ErrorCode::unavailable;
  const rlimit everything{RLIM_INFINITY, RLIM_INFINITY};
  setrlimit(RLIMIT_FSIZE, &everything);
  // Whether the first append is there is open; after it was asked, writing goes on.
  const auto row = read<ChatLoaded>(**store, LoadChat{chat_id("a")}).row;
  const AppendResult again = append(**store, append_of(chat_id("a"), row ? row->last_seq : 0, 1));
  const bool recovered = again.outcome == WriteOutcome::stored;
  _exit(unknown && !told.empty() && recovered ? 42 : 1);
}

TEST(RocksChatStoreDeathTest, AFailedBatchAnswersUnknownAndLaterWritesWorkAgain) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  const DirOfDeathTest dir;
  EXPECT_EXIT(write_without_room(dir.path() + "/store"), testing::ExitedWithCode(42), "");
}

TEST(RocksChatStore, ADirectoryThatCannotBeMadeIsNamed) {
  const TempDir dir;
  std::ofstream(dir / "file") << "x";
  const Error error = error_of(open_rocks_store({.dir = dir / "file/store"}));
  EXPECT_EQ(error.code, ErrorCode::unavailable);
  EXPECT_NE(error.text.find(dir / "file/store"), std::string::npos) << error.text;
  EXPECT_NE(error.text.find("choose a writable"), std::string::npos) << error.text;
}

TEST(RocksChatStore, ADirectoryWithoutPermissionIsNamed) {
  if (geteuid() == 0) GTEST_SKIP() << "root may write everywhere";
  const TempDir dir;
  std::filesystem::create_directory(dir / "store");
  chmod((dir / "store").c_str(), 0500);
  const Error error = error_of(open_rocks_store({.dir = dir / "store"}));
  EXPECT_EQ(error.code, ErrorCode::unavailable);
  EXPECT_NE(error.text.find("writable"), std::string::npos) << error.text;
}

TEST(RocksChatStore, AStoreThatIsOpenElsewhereIsRefused) {
  const TempDir dir;
  const auto first = open_at(dir.path());
  const Error error = error_of(open_rocks_store({.dir = dir.path()}));
  EXPECT_EQ(error.code, ErrorCode::unavailable);
  EXPECT_NE(error.text.find("another process has it open"), std::string::npos) << error.text;
}

TEST(RocksChatStore, AStoreThatAnotherProcessHoldsIsRefused) {
  const TempDir dir;
  open_at(dir.path());
  const pid_t holder = fork();
  ASSERT_GE(holder, 0);
  if (holder == 0) {
    const int lock = open((dir / "LOCK").c_str(), O_RDWR);
    struct flock whole {};
    whole.l_type = F_WRLCK;
    if (fcntl(lock, F_SETLK, &whole) != 0) _exit(1);
    raise(SIGSTOP);
    _exit(0);
  }
  int state = 0;
  ASSERT_EQ(waitpid(holder, &state, WUNTRACED), holder);
  ASSERT_TRUE(WIFSTOPPED(state));
  const Error error = error_of(open_rocks_store({.dir = dir.path()}));
  kill(holder, SIGKILL);
  waitpid(holder, &state, 0);
  EXPECT_EQ(error.code, ErrorCode::unavailable);
  EXPECT_NE(error.text.find("another process has it open"), std::string::npos) << error.text;
}

TEST(RocksChatStore, ADamagedStoreIsRefused) {
  const TempDir dir;
  open_at(dir.path());
  std::ofstream(dir / "CURRENT") << "garbage";
  const Error error = error_of(open_rocks_store({.dir = dir.path()}));
  EXPECT_EQ(error.code, ErrorCode::corrupt) << error.text;
  EXPECT_NE(error.text.find("restore a backup"), std::string::npos) << error.text;
}

TEST(RocksChatStore, ADamagedLogIsRefusedAndNotSkipped) {
  const TempDir dir;
  {
    const auto store = open_at(dir.path());
    for (uint64_t seq = 0; seq < 50; ++seq) append(*store, append_of(chat_id("a"), seq, 1));
  }
  for (const auto& entry : std::filesystem::directory_iterator(dir.path())) {
    if (entry.path().extension() != ".log") continue;
    std::fstream log(entry.path(), std::ios::in | std::ios::out | std::ios::binary);
    log.seekp(static_cast<std::streamoff>(entry.file_size() / 2));
    log << "xxxxxxxxxxxxxxxx";
  }
  const Error error = error_of(open_rocks_store({.dir = dir.path()}));
  EXPECT_EQ(error.code, ErrorCode::corrupt) << error.text;
}

}  // namespace
}  // namespace chat::store_test
