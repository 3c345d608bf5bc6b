#include "sim/exact/exact_run.h"

#include <fmt/format.h>
#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <memory>
#include <numeric>
#include <string_view>
#include <utility>
#include <vector>

#include "core/wire/chat.pb.h"
#include "core/wire/peer.pb.h"
#include "sim/exact/exact_members.h"
#include "sim/exact/exact_world.h"
#include "sim/memory_store/memory_chat_store.h"
#include "sim/report/result_json.h"
#include "sim/virtual/virtual_accounts.h"
#include "sim/virtual/virtual_world.h"
#include "sim/virtual/world_setup.h"

namespace chat::sim {
namespace {

using Clock = std::chrono::steady_clock;

constexpr Duration kStartTime = seconds(1);  ///< Until every engine knows the others.
constexpr Duration kStep = milliseconds(10);
constexpr Duration kPrepareTimeout = minutes(10);
constexpr Duration kRetryDelay = milliseconds(250);
constexpr size_t kRequestsAtOnce = 64;
constexpr uint64_t kStoreEpoch = 1;
constexpr uint32_t kTag = 1;  ///< A world of its own has no other runs.

/// What engines count, by the names that chatd's status has for it.
constexpr std::pair<const char*, uint64_t EngineCounters::*> kCounters[] = {
    {"turns", &EngineCounters::turns},
    {"inputs", &EngineCounters::inputs},
    {"connections_opened", &EngineCounters::connections_opened},
    {"frames_in", &EngineCounters::frames_in},
    {"bytes_in", &EngineCounters::bytes_in},
    {"writes_out", &EngineCounters::writes_out},
    {"bytes_out", &EngineCounters::bytes_out},
    {"frames_out", &EngineCounters::frames_out},
    {"heartbeats", &EngineCounters::heartbeats},
    {"heartbeat_timeouts", &EngineCounters::heartbeat_timeouts},
    {"sends_stored", &EngineCounters::sends_stored},
    {"sends_delayed", &EngineCounters::sends_delayed},
    {"events_pushed", &EngineCounters::events_pushed},
    {"sync_pages", &EngineCounters::sync_pages},
    {"history_pages", &EngineCounters::history_pages},
    {"appends", &EngineCounters::appends},
    {"append_events", &EngineCounters::append_events},
    {"inbox_batches", &EngineCounters::inbox_batches},
    {"inbox_writes", &EngineCounters::inbox_writes},
    {"inbox_rows", &EngineCounters::inbox_rows},
    {"peer_frames_out", &EngineCounters::peer_frames_out},
    {"peer_bytes_out", &EngineCounters::peer_bytes_out},
    {"presence_changes", &EngineCounters::presence_changes},
    {"presence_pushed", &EngineCounters::presence_pushed},
};

Error refused(const char* text) { return make_error(ErrorCode::invalid_argument, text); }

Status check_depth(const Scenario& scenario) {
  if (scenario.day.any()) {
    return refused("a day runs in the depth fleet: add --fleet, or leave out day");
  }
  if (scenario.slow_readers.users_share > 0) {
    return refused("slow_readers need real sockets: run it with --target, or leave them out");
  }
  return {};
}

std::vector<UserId> first_users(uint32_t count) {
  std::vector<UserId> users;
  for (uint64_t user = 1; user <= count; ++user) users.push_back(UserId{user});
  return users;
}

WallTime wall_clock() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return {std::chrono::duration_cast<std::chrono::milliseconds>(now).count()};
}

double seconds_of(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
}

rusage own_usage() {
  rusage use{};
  getrusage(RUSAGE_SELF, &use);
  return use;
}

/// What two equal runs may differ in: what this machine did meanwhile.
std::string comparable(RunResult result) {
  result.started = {};
  result.generator = {};
  result.in_virtual_time->wall_s = result.in_virtual_time->bytes_per_user = 0;
  return result_json(result);
}

class ExactRun {
 public:
  ExactRun(const ExactOptions& options, ExactTrace* trace)
      : options_(options),
        scenario_(options.scenario),
        trace_(trace),
        store_(kStoreEpoch),
        world_(world_of(scenario_), store_),
        run_(scenario_, [this] { return world_.now(); },
             {.progress = [this](const RunProgress& progress) { note(progress); },
              .stop = options.stop}),
        roster_(run_.plan().population(), kTag, first_users(scenario_.users)),
        members_(roster_, world_),
        exact_(scenario_, run_.plan(), world_, run_.oracle()) {}

  Result<RunResult> run();

 private:
  Status prepare();
  Status create_chats();
  void ask(std::shared_ptr<const v1::Request> request);
  Status wait_for(std::string_view what, const std::function<bool()>& done);
  bool all_fanned_out();
  std::vector<uint64_t> room_first_seqs();
  ChatRow row_of(uint32_t chat);
  Result<bool> read_log(const ChatId& chat, const std::function<void(const v1::Event&)>& each);
  void note(const RunProgress& progress);
  VirtualFacts facts(const RunResult& result);

  const ExactOptions& options_;
  const Scenario& scenario_;
  ExactTrace* const trace_;
  const Clock::time_point began_ = Clock::now();
  const int64_t memory_before_kib_ = own_usage().ru_maxrss;
  MemoryChatStore store_;
  VirtualWorld world_;
  ScenarioRun run_;
  Roster roster_;
  ExactMembers members_;
  ExactWorld exact_;
  size_t open_requests_ = 0;
  std::string refusal_;  ///< Why a chat could not be made.
};

void ExactRun::note(const RunProgress& progress) {
  if (trace_ != nullptr) {
    trace_->marks.push_back({progress.phase, progress.done, world_.digest()});
  }
  if (options_.progress) options_.progress(progress);
}

Result<RunResult> ExactRun::run() {
  RunResult& result = run_.result();
  result.mode = "virtual";
  result.target = "virtual time";
  result.started = wall_clock();
  if (Status prepared = prepare(); !prepared) return prepared.error();
  std::vector<std::string> tokens;
  for (uint32_t user = 0; user < scenario_.users; ++user) {
    tokens.push_back(token_of(roster_.user_id(user)));
  }
  run_.enter({.world = exact_,
              .usage = exact_,
              .roster = roster_,
              .members = &members_,
              .tokens = std::move(tokens),
              .room_first_seqs = room_first_seqs()});
  run_.play();
  run_.audit([this](const ChatId& chat, const std::function<void(const v1::Event&)>& each) {
    return read_log(chat, each);
  });
  RunResult finished = run_.finish([this](RunResult& own) { own.in_virtual_time = facts(own); });
  if (trace_ != nullptr) trace_->result = comparable(finished);
  const rusage use = own_usage();
  finished.generator.cpu_s = seconds_of(use.ru_utime) + seconds_of(use.ru_stime);
  finished.generator.bytes_each = static_cast<uint64_t>(finished.in_virtual_time->bytes_per_user);
  finished.generator.rss_bytes = static_cast<uint64_t>(use.ru_maxrss) * 1'024;
  return finished;
}

// ---------------------------------------------------------------- prepare

Status ExactRun::prepare() {
  run_.begin_phase("prepare");
  world_.set_source(
      "");  // Simulated users come from many addresses; limits per address do not count.
  world_.run_until(world_.now() + kStartTime);
  if (Status created = create_chats(); !created) return created;
  if (Status ready = wait_for("chats reach their members", [this] { return all_fanned_out(); });
      !ready) {
    return ready;
  }
  run_.end_phase();
  return {};
}

Status ExactRun::create_chats() {
  const Population& population = run_.plan().population();
  for (uint32_t chat = 0; chat < population.chat_count(); ++chat) {
    const ChatKind kind = population.kind(chat);
    if (kind == ChatKind::direct) continue;
    auto request = std::make_shared<v1::Request>();
    v1::CreateChat& create = *request->mutable_create_chat();
    create.set_kind(kind == ChatKind::room ? v1::ROOM : v1::GROUP);
    create.set_title(roster_.chat_name(chat));
    create.set_chat_id(roster_.chat_id(chat).str());
    for (const uint32_t user : population.members(chat)) {
      create.add_member_ids(roster_.user_id(user).value);
    }
    ask(std::move(request));
    const auto room = [this] { return open_requests_ < kRequestsAtOnce; };
    if (Status waited = wait_for("chats are created", room); !waited) return waited;
    run_.report_now_and_then(fmt::format("chats {}/{}", chat + 1, population.chat_count()));
  }
  return wait_for("chats are created", [this] { return open_requests_ == 0; });
}

// Repeats a request until it is answered for good: its chat id makes that harmless.
void ExactRun::ask(std::shared_ptr<const v1::Request> request) {
  ++open_requests_;
  world_.request(request, [this, request](const v1::Response* response) {
    --open_requests_;
    if (response != nullptr && !response->error().temporary()) {
      if (response->has_error()) refusal_ = response->error().message();
      return;
    }
    ++open_requests_;
    world_.queue().after(kRetryDelay, [this, request] {
      --open_requests_;
      ask(request);
    });
  });
}

Status ExactRun::wait_for(std::string_view what, const std::function<bool()>& done) {
  const Instant limit = world_.now() + kPrepareTimeout;
  while (!done() && world_.now() < limit) world_.run_until(world_.now() + kStep);
  if (!refusal_.empty()) {
    return make_error(ErrorCode::invalid_argument, "a chat was refused: " + refusal_);
  }
  if (done()) return {};
  return make_error(ErrorCode::internal, fmt::format("it never came that {}", what));
}

ChatRow ExactRun::row_of(uint32_t chat) {
  const auto loaded = std::get<ChatLoaded>(store_.read(LoadChat{roster_.chat_id(chat)}));
  return loaded.row.value_or(ChatRow{});
}

bool ExactRun::all_fanned_out() {
  for (uint32_t chat = 0; chat < run_.plan().population().chat_count(); ++chat) {
    const ChatRow row = row_of(chat);
    if (row.fanned_seq < row.last_seq) return false;
  }
  return true;
}

// Users follow a room from behind what made it.
std::vector<uint64_t> ExactRun::room_first_seqs() {
  std::vector<uint64_t> seqs;
  for (uint32_t chat = 0; chat < run_.plan().population().chat_count(); ++chat) {
    seqs.push_back(row_of(chat).last_seq + 1);
  }
  return seqs;
}

// ---------------------------------------------------------------- the end

Result<bool> ExactRun::read_log(const ChatId& chat,
                                const std::function<void(const v1::Event&)>& each) {
  const auto loaded = std::get<ChatLoaded>(store_.read(LoadChat{chat}));
  if (!loaded.row) return false;
  for (uint64_t next = loaded.row->oldest_seq; next <= loaded.row->last_seq;) {
    const auto read = std::get<EventsRead>(store_.read(ReadEvents{.chat = chat, .from_seq = next}));
    if (read.rows.empty()) return make_error(ErrorCode::corrupt, "a log ends before its last seq");
    for (const EventRow& row : read.rows) {
      peer::StoredEvent stored;
      v1::Event event;
      if (!stored.ParseFromString(row.stored_event) || !event.ParseFromString(stored.event())) {
        return make_error(ErrorCode::corrupt, "an event of a log does not decode");
      }
      each(event);
      next = row.seq + 1;
    }
  }
  return true;
}

VirtualFacts ExactRun::facts(const RunResult& result) {
  VirtualFacts facts;
  facts.depth = "exact";
  facts.wall_s = std::chrono::duration<double>(Clock::now() - began_).count();
  facts.simulated_s = (world_.now() - Instant{}).seconds();
  facts.users = scenario_.users;
  facts.peak_concurrent = result.users_peak;
  facts.occurrences = world_.queue().occurrences();
  facts.bytes_per_user = static_cast<double>(own_usage().ru_maxrss - memory_before_kib_) * 1'024 /
                         static_cast<double>(scenario_.users);
  facts.digest = world_.digest();
  const std::vector<EngineCounters> engines = world_.counters();
  for (const auto& [name, counter] : kCounters) {
    const auto add = [counter = counter](uint64_t sum, const EngineCounters& engine) {
      return sum + engine.*counter;
    };
    const uint64_t sum = std::accumulate(engines.begin(), engines.end(), uint64_t{0}, add);
    if (counter == &EngineCounters::heartbeats) facts.heartbeats = sum;
    facts.counters.emplace_back(name, sum);
  }
  facts.ran = {"the engines of chatd: sessions, homes, presence, limits, delay, links of peers",
               "the codec, with every byte of every frame",
               "client sessions: heartbeats, acknowledgements, sync, back-off and resumption",
               "the users' plans, the oracle and the audit, as in live runs"};
  facts.modelled = {
      "network: delays, losses and bandwidth as `network` says; no WebSocket frames",
      "processors: a time per turn, input and output; memory of a server: not known",
      "store and delay log: rows in memory, times of a disk as `disk` says",
      "accounts: a time per check; log-ins by password and limits per address: not run"};
  return facts;
}

Status compare(const ExactTrace& one, const ExactTrace& other) {
  const auto [a, b] =
      std::mismatch(one.marks.begin(), one.marks.end(), other.marks.begin(), other.marks.end());
  if (a != one.marks.end() || b != other.marks.end()) {
    const ExactTrace::Mark& at = a != one.marks.end() ? *a : *b;
    return make_error(
        ErrorCode::internal,
        fmt::format("two runs differ first in {}, before {:.3f} s", at.phase, at.done.seconds()));
  }
  if (one.result == other.result) return {};
  const auto place =
      std::mismatch(one.result.begin(), one.result.end(), other.result.begin(), other.result.end())
          .first;
  const size_t begin = one.result.rfind('\n', static_cast<size_t>(place - one.result.begin())) + 1;
  return make_error(ErrorCode::internal,
                    "two runs differ first in the figure " +
                        one.result.substr(begin, one.result.find('\n', begin) - begin));
}

}  // namespace

Result<RunResult> run_exact(const ExactOptions& options, ExactTrace* trace) {
  if (Status checked = check_scenario(options.scenario); !checked) return checked.error();
  if (Status checked = check_depth(options.scenario); !checked) return checked.error();
  return ExactRun(options, trace).run();
}

Result<bool> check_exact_determinism(const ExactOptions& options, const ExactTrace& first) {
  ExactTrace second;
  const auto result = run_exact(options, &second);
  if (!result) return result.error();
  if (options.stop != nullptr && *options.stop) return false;
  if (Status same = compare(first, second); !same) return same.error();
  return true;
}

}  // namespace chat::sim
