#include "tools/chatd/chatd.h"

#include <spdlog/spdlog.h>
#include <sys/random.h>
#include <sys/resource.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <optional>
#include <thread>

#include "server/accounts/sql_account_store.h"
#include "server/admin/admin_server.h"
#include "server/delay_log/file_delay_log.h"
#include "server/faults/faulty_chat_store.h"
#include "server/faults/faulty_delay_log.h"
#include "server/journal/journal_file.h"
#include "server/reactor/clock.h"
#include "server/reactor/reactor_group.h"
#include "server/rest/rest_api.h"
#include "server/rocksdb/rocks_chat_store.h"
#include "tools/chatd/data_dir.h"
#include "tools/chatd/ready_file.h"

namespace chat {
namespace {

/// Descriptors that are no connections: RocksDB's tables, logs, event loops, the admin port.
constexpr uint64_t kOtherDescriptors = 1'024;

/// Raises the soft limit of open files to the hard one; what it is then.
uint64_t raise_file_limit() {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  getrlimit(RLIMIT_NOFILE, &limit);
  return limit.rlim_cur;
}

uint64_t sockets_max(const ChatdOptions& options, uint64_t file_limit) {
  const uint64_t possible =
      file_limit > 2 * kOtherDescriptors ? file_limit - kOtherDescriptors : file_limit / 2;
  if (options.connections_max == 0) return possible;
  if (options.connections_max > possible) {
    spdlog::warn("connections_max is {}, but the limit of {} open files allows {}",
                 options.connections_max, file_limit, possible);
  }
  return std::min(options.connections_max, possible);
}

uint64_t random_seed() {
  uint64_t seed = 0;
  // Up to 256 bytes never come short.
  (void)getrandom(&seed, sizeof seed, 0);
  return seed;
}

}  // namespace

/// The parts in the order in which they are opened; also the services of the reactors.
struct Chatd::Impl : ReactorServices {
  explicit Impl(const ChatdOptions& given) : options(given) {}
  ~Impl() override { stop(); }

  Status open_storage();
  Status open_delay_log();
  Status open_network(std::function<void(int)> on_signal);
  void serve();
  bool stop();
  void logins_ended(const AccountChanged& change);
  void drain(const Drain& order);

  void store(StoreToken token, StoreCommand command, StoreSink& sink) override {
    store_service->submit(token, std::move(command), &sink);
  }
  void delay(DelayToken token, DelayCommand command, DelaySink& sink) override {
    delay_service->submit(token, std::move(command), sink);
  }
  Result<Identity> verify(const std::string& token, WallTime now) override {
    return tokens->verify(token, now);
  }
  Result<std::vector<UserId>> missing_users(const std::vector<UserId>& users) override {
    return accounts->missing(users);
  }
  void journal(const Journal& entry) override {
    if (journal_file) journal_file->add(entry);
  }
  void http(Reactor& reactor, HttpCall call) override { rest->handle(reactor, std::move(call)); }

  const ChatdOptions options;
  const Instant started = monotonic_now();
  std::atomic<bool> ready = false;
  std::atomic<bool> hurry = false;
  bool serving = false;
  std::optional<DataDir> data_dir;
  Faults faults;
  std::unique_ptr<ChatStore> real_store;
  std::unique_ptr<ChatStore> chat_store;  ///< Refers to the real one.
  std::unique_ptr<StoreService> store_service;
  std::optional<DataDir> delay_dir;
  std::unique_ptr<DelayLog> real_delay_log;
  std::unique_ptr<DelayLog> delay_log;  ///< Refers to the real one.
  std::unique_ptr<DelayService> delay_service;
  std::unique_ptr<JournalFile> journal_file;  ///< nullptr = none is kept.
  std::unique_ptr<AccountStore> accounts;
  std::unique_ptr<TokenService> tokens;
  std::unique_ptr<JobPool> pool;
  std::unique_ptr<RestApi> rest;
  std::unique_ptr<AdminServer> admin;
  std::unique_ptr<ReactorGroup> reactors;
  uint16_t public_port = 0;
};

Status Chatd::Impl::open_storage() {
  auto dir = DataDir::open(options.data_dir);
  if (!dir) return dir.error();
  data_dir.emplace(std::move(*dir));
  auto opened = open_rocks_store(
      {.dir = *data_dir / "chats",
       .block_cache_bytes = options.block_cache_bytes,
       .write_buffers_bytes = options.write_buffers_bytes,
       .log = [](std::string_view line) { spdlog::warn("message store: {}", line); }});
  if (!opened) return opened.error();
  real_store = std::move(*opened);
  if (options.fault_injection) {
    chat_store = std::make_unique<FaultyChatStore>(*real_store, faults);
    spdlog::warn("fault injection is on: the admin port can make this chatd misbehave");
  } else {
    chat_store = std::move(real_store);
  }
  StoreServiceOptions service;
  service.read_threads = static_cast<int>(options.store_threads);
  store_service = std::make_unique<StoreService>(*chat_store, service);
  if (const Status delays = open_delay_log(); !delays) return delays;
  auto account_store = open_sql_account_store(
      {.path = *data_dir / "accounts.sqlite", .refresh_ttl = options.refresh_token_ttl});
  if (!account_store) return account_store.error();
  accounts = std::move(*account_store);
  auto token_service = TokenService::open(*data_dir / "token.key");
  if (!token_service) return token_service.error();
  tokens = std::move(*token_service);
  if (!options.journal.empty()) {
    auto file = JournalFile::open(
        {.path = options.journal, .log = [](std::string_view line) { spdlog::warn("{}", line); }});
    if (!file) return file.error();
    journal_file = std::move(*file);
  }
  const auto ended =
      accounts->ended_after(WallTime{wall_now().ms - TokenService::kLoginTtlMax.ms()});
  if (!ended) return ended.error();
  for (const AccountChanged& change : *ended) tokens->end(change, wall_now());
  JobPoolOptions jobs;
  jobs.threads = static_cast<int>(options.account_threads);
  pool = std::make_unique<JobPool>(jobs);
  return {};
}

Status Chatd::Impl::open_delay_log() {
  const std::string path = options.delay_dir.empty() ? *data_dir / "delay" : options.delay_dir;
  auto dir = DataDir::open(path);
  if (!dir) return dir.error();
  delay_dir.emplace(std::move(*dir));
  auto opened = FileDelayLog::open(
      {.dir = path, .log = [](std::string_view line) { spdlog::warn("delay log: {}", line); }});
  if (!opened) return opened.error();
  if ((*opened)->entries() > 0) {
    spdlog::warn("{} delayed sends of an earlier run are stored now", (*opened)->entries());
  }
  real_delay_log = std::move(*opened);
  if (options.fault_injection) {
    delay_log = std::make_unique<FaultyDelayLog>(*real_delay_log, faults);
  } else {
    delay_log = std::move(real_delay_log);
  }
  return {};
}

Status Chatd::Impl::open_network(std::function<void(int)> on_signal) {
  const uint64_t file_limit = raise_file_limit();
  const uint32_t cores = std::max(1u, std::thread::hardware_concurrency());
  const uint32_t count = options.reactors == 0 ? cores : options.reactors;
  rest = std::make_unique<RestApi>(
      RestApiOptions{*accounts, *tokens, *pool, options.access_token_ttl, ready});
  auto sockets = open_listen_sockets(options.listen, static_cast<int>(count));
  if (!sockets) return sockets.error();
  public_port = sockets->port;
  ReactorGroupOptions group;
  group.listen_descriptors = sockets->descriptors;
  group.policy = options.policy;
  group.store_epoch = chat_store->epoch();
  auto delayed = delay_log->load();
  if (!delayed) return delayed.error();
  group.delayed = std::move(*delayed);
  delay_service = std::make_unique<DelayService>(*delay_log);
  // Microseconds of wall time: a later life of an engine has a larger number.
  group.incarnation = Incarnation{static_cast<uint64_t>(wall_now().ms) * 1'000};
  group.seed = random_seed();
  group.sockets_max = sockets_max(options, file_limit);
  group.trusted_proxies = options.trusted_proxies;
  auto created = ReactorGroup::create(group, *this);
  if (!created) return created.error();
  reactors = std::move(*created);
  auto server = AdminServer::open(
      options.admin_address(),
      {*reactors, *chat_store, *store_service, *accounts, *tokens, *pool, ready, CHAT_VERSION,
       "rocksdb", journal_file.get(), started, [this](const Drain& order) { drain(order); },
       options.fault_injection ? &faults : nullptr},
      std::move(on_signal));
  if (!server) return server.error();
  admin = std::move(*server);
  spdlog::info("{} reactors, at most {} connections", count, group.sockets_max);
  return {};
}

/// First no token opens anything new, then what is open is closed: see AccountChanged.
void Chatd::Impl::logins_ended(const AccountChanged& change) {
  tokens->end(change, wall_now());
  reactors->tell_all(change);
}

/// The process goes on without clients, until it is ended.
void Chatd::Impl::drain(const Drain& order) {
  spdlog::info("draining: clients are told to go over {:.1f} s", order.window.seconds());
  ready = false;
  reactors->tell_all(order);
}

void Chatd::Impl::serve() {
  accounts->set_ended_listener([this](const AccountChanged& change) { logins_ended(change); });
  reactors->start();
  admin->start();
  serving = true;
  ready = true;
}

bool Chatd::Impl::stop() {
  const bool was_serving = std::exchange(serving, false);
  ready = false;
  faults.end();
  const bool in_time = !was_serving || reactors->drain({.window = options.drain_window},
                                                       options.drain_timeout, hurry);
  // Jobs answer on reactors, and the store's answers go to them: those end first, reactors later.
  if (pool) pool->stop();
  if (reactors) reactors->stop();
  if (store_service) store_service->stop();
  if (delay_service) delay_service->stop();
  if (admin) admin->stop();
  reactors.reset();
  admin.reset();
  return in_time;
}

Chatd::Chatd(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Chatd::~Chatd() = default;

Result<std::unique_ptr<Chatd>> Chatd::start(const ChatdOptions& options,
                                            std::function<void(int signal)> on_signal,
                                            ExitCode& exit_code) {
  auto impl = std::make_unique<Impl>(options);
  if (const Status opened = impl->open_storage(); !opened) {
    exit_code = ExitCode::bad_data_directory;
    return opened.error();
  }
  const auto on_signal_here = [parts = impl.get(), on_signal = std::move(on_signal)](int number) {
    if (number == SIGHUP && parts->journal_file) parts->journal_file->reopen();
    on_signal(number);
  };
  if (const Status opened = impl->open_network(on_signal_here); !opened) {
    exit_code = ExitCode::cannot_listen;
    return opened.error();
  }
  impl->serve();
  const HostPort admin{options.admin_address().host, impl->admin->port()};
  const HostPort served{options.listen.host, impl->public_port};
  if (const Status written = write_ready_file(options.ready_file, served, admin); !written) {
    exit_code = ExitCode::failed;
    return written.error();
  }
  spdlog::info("serving on {}, admin on {}", format_host_port(served), format_host_port(admin));
  exit_code = ExitCode::ok;
  return std::unique_ptr<Chatd>(new Chatd(std::move(impl)));
}

uint16_t Chatd::public_port() const { return impl_->public_port; }
uint16_t Chatd::admin_port() const { return impl_->admin->port(); }

void Chatd::hurry() { impl_->hurry = true; }

bool Chatd::stop() {
  remove_ready_file(impl_->options.ready_file);
  return impl_->stop();
}

}  // namespace chat
