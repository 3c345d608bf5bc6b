#include "sim/live/live_run.h"

#include <fmt/format.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <utility>

#include "sim/live/admin_client.h"
#include "sim/live/audit.h"
#include "sim/live/clock.h"
#include "sim/live/endpoint.h"
#include "sim/live/fleet.h"
#include "sim/live/meter.h"
#include "sim/live/process_sampler.h"
#include "sim/live/rest_accounts.h"
#include "sim/live/roster.h"
#include "sim/oracle/oracle.h"
#include "sim/scenario/user_plan.h"

namespace chat::sim {
namespace {

constexpr size_t kImportBytes = 512 * 1024;
constexpr int kTagAttempts = 4;
constexpr size_t kTokensPerRequest = 1'000;
constexpr uint64_t kSpareDescriptors = 64;
constexpr double kReconnectsPerSecond = 1'000;
constexpr Duration kSettled = milliseconds(1'500);  ///< Without a delivery, in the quiet phase.
constexpr uint32_t kGroupsAsked = 200;
constexpr Duration kFanOutTimeout = seconds(60);
constexpr useconds_t kAskAgainUs = 10'000;
constexpr Duration kTokenMargin = minutes(30);

/// Every socket needs a descriptor. Errors: rate_limited, with the remedy.
Status raise_descriptor_limit(uint64_t users) {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  const uint64_t needed = users + kSpareDescriptors;
  if (limit.rlim_cur >= needed) return {};
  return make_error(ErrorCode::rate_limited,
                    fmt::format("{} users need {} open files, but the limit is {}: raise it with "
                                "ulimit -Hn {}, or simulate fewer with --users",
                                users, needed, limit.rlim_cur, needed));
}

/// What each of `users` made memory grow by.
uint64_t share_of(uint64_t after, uint64_t before, uint64_t users) {
  return after > before ? (after - before) / users : 0;
}

class LiveRun {
 public:
  LiveRun(const LiveRunOptions& options, Target target)
      : options_(options),
        scenario_(options.scenario),
        target_(std::move(target)),
        admin_(target_.admin_endpoint()),
        plan_(scenario_),
        oracle_({.late_after = scenario_.late_after}) {}

  Result<RunResult> run();

 private:
  Status prepare();
  Status make_users();
  Result<bool> import_users();
  Result<bool> sign_everybody_up();
  Status import_chats();
  Status mint_tokens();
  Status find_chats();
  Result<uint64_t> settled_seq(uint32_t chat);
  Status create_fleet();
  void ramp();
  void run_phase();
  void quiet();
  void audit();
  void finish();

  void begin_phase(const std::string& name, Duration length);
  void end_phase();
  void report(const std::string& detail = "");
  /// Turns the loop until `until`, or until `done` says so; asked about twenty times a second.
  template <class Done>
  void turn_until(Instant until, Done done);

  const LiveRunOptions& options_;
  const Scenario& scenario_;
  Target target_;
  AdminClient admin_;
  RunPlan plan_;
  Oracle oracle_;
  RunResult result_;
  std::optional<Roster> roster_;
  std::vector<std::string> tokens_;
  std::vector<uint64_t> room_first_seqs_;
  std::unique_ptr<ServerSampler> sampler_;
  std::unique_ptr<Fleet> fleet_;
  std::optional<Meter> meter_;
  Instant began_;                     ///< The ramp.
  uint64_t own_bytes_before_ = 0;     ///< Before there was a fleet.
  uint64_t server_bytes_before_ = 0;  ///< Before the ramp.
  uint64_t server_bytes_each_ = 0;

  std::string phase_;
  Instant phase_began_;
  Duration phase_length_;
  Instant reported_;
};

// ---------------------------------------------------------------- phases

void LiveRun::begin_phase(const std::string& name, Duration length) {
  phase_ = name;
  phase_began_ = monotonic_now();
  phase_length_ = length;
  report();
}

void LiveRun::end_phase() {
  const Instant now = monotonic_now();
  // Phases before the ramp count backwards from it; their begin is set when it is known.
  result_.phases.push_back({phase_, phase_began_ - Instant{}, now - phase_began_});
}

void LiveRun::report(const std::string& detail) {
  reported_ = monotonic_now();
  if (!options_.progress) return;
  RunProgress progress{.phase = phase_,
                       .done = reported_ - phase_began_,
                       .length = phase_length_,
                       .users = fleet_ ? fleet_->connected() : 0,
                       .users_asked = scenario_.users,
                       .sent_per_s = 0,
                       .delivered_per_s = 0,
                       .response_p99_ms = 0,
                       .detail = detail};
  if (meter_) {
    const WindowStats& last = meter_->last_second();
    progress.sent_per_s = last.metric("rate.sent").value_or(0);
    progress.delivered_per_s = last.metric("rate.delivered").value_or(0);
    progress.response_p99_ms = percentile_ms(last.response, "p99").value_or(0);
  }
  options_.progress(progress);
}

template <class Done>
void LiveRun::turn_until(Instant until, Done done) {
  constexpr Duration kAsk = milliseconds(50);
  Instant now = monotonic_now();
  Instant ask_at = now;
  while (now < until) {
    if (now >= ask_at) {
      if (done()) return;
      ask_at = now + kAsk;
    }
    fleet_->turn(std::min(until, ask_at));
    now = monotonic_now();
    if (now - reported_ >= seconds(1)) report();
  }
}

Result<RunResult> LiveRun::run() {
  result_.scenario = scenario_.name;
  result_.description = scenario_.description;
  result_.seed = scenario_.seed;
  result_.target = target_.name();
  result_.started = wall_now();
  result_.users_asked = scenario_.users;
  if (Status prepared = prepare(); !prepared) return prepared.error();
  ramp();
  run_phase();
  quiet();
  audit();
  finish();
  return std::move(result_);
}

// ---------------------------------------------------------------- prepare

Status LiveRun::prepare() {
  begin_phase("prepare", {});
  if (Status limit = raise_descriptor_limit(scenario_.devices()); !limit) return limit;
  const auto status = admin_.status();
  if (!status) return status.error();
  result_.server_version = status->version;
  const auto trusted = admin_.trusted_sources();
  if (!trusted) return trusted.error();
  result_.trusted_sources = *trusted;
  if (Status made = make_users(); !made) return made;
  if (Status imported = import_chats(); !imported) return imported;
  if (Status minted = mint_tokens(); !minted) return minted;
  if (Status found = find_chats(); !found) return found;
  if (Status created = create_fleet(); !created) return created;
  end_phase();
  return {};
}

// Gives the users ids: their own ones by import, or those that the server gives at sign-up.
Status LiveRun::make_users() {
  // The tag only keeps runs apart; it is no part of what the seed decides.
  Random tags(static_cast<uint64_t>(wall_now().ms) ^ (uint64_t(getpid()) << 42));
  for (int attempt = 0; attempt < kTagAttempts; ++attempt) {
    const auto tag = static_cast<uint32_t>(1 + tags.below(Roster::kTagMax));
    roster_.emplace(plan_.population(), tag);
    const auto is_free =
        scenario_.login == Scenario::Login::password ? sign_everybody_up() : import_users();
    if (!is_free) return is_free.error();
    if (!*is_free) continue;
    result_.run_id = roster_->run_id();
    return {};
  }
  return make_error(ErrorCode::already_exists, "no free run tag was found");
}

// False when another run has the same tag: its users exist.
Result<bool> LiveRun::import_users() {
  const auto parts = roster_->import_of_users(kImportBytes);
  for (size_t i = 0; i < parts.size(); ++i) {
    const auto answer = admin_.import(parts[i]);
    if (!answer) return answer.error();
    if (i == 0 && answer->skipped > 0) return false;
    report(fmt::format("users {}/{}", i + 1, parts.size()));
  }
  return true;
}

Result<bool> LiveRun::sign_everybody_up() {
  HttpClient http(target_.public_endpoint());
  std::vector<UserId> ids;
  for (uint32_t user = 0; user < scenario_.users; ++user) {
    const auto account =
        sign_up(http, roster_->email(user), roster_->password(), roster_->user_name(user));
    if (!account && account.error().code == ErrorCode::already_exists && user == 0) return false;
    if (!account) return account.error();
    ids.push_back(account->user);
    if (monotonic_now() - reported_ >= seconds(1)) {
      report(fmt::format("sign-ups {}/{}", user + 1, scenario_.users));
    }
  }
  roster_.emplace(plan_.population(), roster_->tag(), std::move(ids));
  return true;
}

Status LiveRun::import_chats() {
  const auto parts = roster_->import_of_chats(kImportBytes);
  for (size_t i = 0; i < parts.size(); ++i) {
    if (const auto answer = admin_.import(parts[i]); !answer) return answer.error();
    report(fmt::format("chats {}/{}", i + 1, parts.size()));
  }
  return {};
}

Status LiveRun::mint_tokens() {
  if (scenario_.login == Scenario::Login::password) return {};
  const Duration ttl =
      scenario_.arrival.over + scenario_.run_length() + scenario_.quiet_max + kTokenMargin;
  std::vector<UserId> batch;
  tokens_.reserve(scenario_.users);
  for (uint32_t user = 0; user < scenario_.users; ++user) {
    batch.push_back(roster_->user_id(user));
    if (batch.size() < kTokensPerRequest && user + 1 < scenario_.users) continue;
    auto minted = admin_.tokens(batch, ttl);
    if (!minted) return minted.error();
    for (std::string& token : *minted) tokens_.push_back(std::move(token));
    batch.clear();
    report(fmt::format("tokens {}/{}", tokens_.size(), scenario_.users));
  }
  return {};
}

// Users follow a room from behind what the import wrote into it, and begin with inboxes that have
// all of it.
Status LiveRun::find_chats() {
  const Population& population = plan_.population();
  room_first_seqs_.resize(population.chat_count());
  uint32_t asked = 0;
  for (uint32_t chat = population.chat_count(); chat > 0;) {
    const ChatKind kind = population.kind(--chat);
    // Fan-out keeps the order of the import, so that the last groups stand for all.
    if (kind == ChatKind::direct || (kind == ChatKind::group && asked >= kGroupsAsked)) break;
    const auto seq = settled_seq(chat);
    if (!seq) return seq.error();
    room_first_seqs_[chat] = *seq + 1;
    ++asked;
  }
  return {};
}

// The last seq of an imported chat, as soon as all its members have everything up to there.
Result<uint64_t> LiveRun::settled_seq(uint32_t chat) {
  const Instant deadline = monotonic_now() + kFanOutTimeout;
  for (;;) {
    const auto head = admin_.chat_head(roster_->chat_id(chat));
    if (!head) return head.error();
    if (!*head) return make_error(ErrorCode::not_found, "an imported chat does not exist");
    if ((*head)->fanned_seq >= (*head)->last_seq) return (*head)->last_seq;
    if (monotonic_now() > deadline) {
      return make_error(ErrorCode::unavailable, "imported chats do not reach their members");
    }
    usleep(kAskAgainUs);
  }
}

Status LiveRun::create_fleet() {
  sampler_ = std::make_unique<ServerSampler>(target_);
  meter_.emplace(scenario_, *sampler_);
  own_bytes_before_ = own_use().own_bytes;
  auto fleet = Fleet::create({.scenario = scenario_,
                              .plan = plan_,
                              .roster = *roster_,
                              .target = target_,
                              .oracle = oracle_,
                              .tokens = std::move(tokens_),
                              .room_first_seqs = room_first_seqs_});
  if (!fleet) return fleet.error();
  fleet_ = std::move(*fleet);
  return {};
}

// ---------------------------------------------------------------- the load

void LiveRun::ramp() {
  // Whole seconds, so that the seconds of the run phase are whole ones.
  const int64_t length_s = (scenario_.arrival.over.ns + seconds(1).ns - 1) / seconds(1).ns + 1;
  const Duration length = seconds(length_s);
  begin_phase("ramp", length);
  began_ = phase_began_;
  result_.phases.front().begin = result_.phases.front().begin - (began_ - Instant{});
  meter_->begin_ramp(began_, wall_now());
  if (const auto sample = sampler_->latest()) server_bytes_before_ = sample->use.own_bytes;
  fleet_->begin_ramp(began_, *meter_);
  turn_until(began_ + length, [] { return false; });
  const uint64_t users = std::max<uint64_t>(fleet_->connected(), 1);
  result_.generator.bytes_each = share_of(own_use().own_bytes, own_bytes_before_, users);
  const auto sample = sampler_->latest();
  server_bytes_each_ = sample ? share_of(sample->use.own_bytes, server_bytes_before_, users) : 0;
  end_phase();
}

void LiveRun::run_phase() {
  const Duration length = scenario_.run_length();
  begin_phase("run", length);
  meter_->begin_run(phase_began_);
  fleet_->begin_run(phase_began_);
  if (scenario_.storm.at.ns > 0) {
    turn_until(phase_began_ + scenario_.storm.at, [this] { return meter_->ladder_over(); });
    fleet_->begin_storm(monotonic_now(), scenario_.storm.users_share);
  }
  turn_until(phase_began_ + length, [this] { return meter_->ladder_over(); });
  meter_->end_run(monotonic_now());
  end_phase();
}

// Sends stop; what was due still goes out. Then every device reconnects, so that what it has comes
// from the log, and syncs to head.
void LiveRun::quiet() {
  begin_phase("quiet", {});
  const Instant end = phase_began_ + scenario_.quiet_max;
  fleet_->begin_quiet(phase_began_);
  turn_until(end,
             [this] { return fleet_->busy_users() == 0 && fleet_->member_changes_waiting() == 0; });
  turn_until(end, [this] { return monotonic_now() - fleet_->last_delivery() >= kSettled; });
  const double spread_s = static_cast<double>(scenario_.devices()) / kReconnectsPerSecond;
  const Instant now = monotonic_now();
  fleet_->reconnect_all(now, Duration{static_cast<int64_t>(spread_s * 1e9)});
  turn_until(end, [this] { return fleet_->users_behind() == 0; });
  const Instant live = monotonic_now();
  turn_until(std::min(end, live + kSettled), [this, live] {
    return fleet_->users_behind() == 0 &&
           monotonic_now() - std::max(fleet_->last_delivery(), live) >= kSettled;
  });
  if (const uint64_t behind = fleet_->users_behind(); behind > 0) {
    result_.notes.push_back(
        fmt::format("{} devices were not at head after the quiet phase", behind));
  }
  fleet_->stop();
  end_phase();
}

void LiveRun::audit() {
  begin_phase("audit", {});
  target_.reload();
  admin_.set_endpoint(target_.admin_endpoint());
  const uint32_t chats = plan_.population().chat_count();
  const auto progress = [&](uint32_t done) {
    if (monotonic_now() - reported_ >= seconds(1)) report(fmt::format("logs {}/{}", done, chats));
  };
  const Status read = audit_logs(admin_, *roster_, oracle_, fleet_->known_messages(), progress);
  if (read) {
    result_.oracle = oracle_.finish();
  } else {
    // Without the truth there is nothing to judge; only what was counted here is told.
    meter_->invalidate("the chat logs could not be read: " + read.error().text);
    result_.oracle.counts.sent = meter_->totals().sent;
    result_.oracle.counts.acked = meter_->totals().acked;
  }
  end_phase();
}

void LiveRun::finish() {
  meter_->finish(result_);
  if (result_.server) result_.server->bytes_each = server_bytes_each_;
  for (size_t i = 1; i < result_.phases.size(); ++i) {
    RunPhase& phase = result_.phases[i];
    phase.begin = phase.begin - (began_ - Instant{});
  }
  if (fleet_->storm()) {
    result_.storm = fleet_->storm();
    result_.storm->at = result_.storm->at - (began_ - Instant{});
  }
  result_.notes.insert(result_.notes.end(), fleet_->notes().begin(), fleet_->notes().end());
  result_.gates = meter_->gates().finish(
      [this](std::string_view name) { return result_.metric(name); }, result_.valid());
}

}  // namespace

Result<RunResult> run_live(const LiveRunOptions& options) {
  if (Status checked = check_scenario(options.scenario); !checked) return checked.error();
  auto target = Target::open(options.target, options.admin);
  if (!target) return target.error();
  return LiveRun(options, std::move(*target)).run();
}

}  // namespace chat::sim
