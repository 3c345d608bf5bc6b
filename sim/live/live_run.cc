#include "sim/live/live_run.h"

#include <fmt/format.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <utility>

#include "sim/crowd/roster.h"
#include "sim/crowd/scenario_run.h"
#include "sim/live/admin_client.h"
#include "sim/live/clock.h"
#include "sim/live/endpoint.h"
#include "sim/live/live_world.h"
#include "sim/live/process_sampler.h"
#include "sim/live/rest_accounts.h"

namespace chat::sim {
namespace {

constexpr size_t kImportBytes = 512 * 1024;
constexpr int kTagAttempts = 4;
constexpr size_t kTokensPerRequest = 1'000;
constexpr uint64_t kSpareDescriptors = 64;
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

class LiveRun {
 public:
  LiveRun(const LiveRunOptions& options, Target target)
      : scenario_(options.scenario),
        target_(std::move(target)),
        admin_(target_.admin_endpoint()),
        run_(scenario_, monotonic_now, options.watch) {}

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
  Status enter();
  void audit();

  const Scenario& scenario_;
  Target target_;
  AdminClient admin_;
  std::optional<Roster> roster_;
  std::vector<std::string> tokens_;
  std::vector<uint64_t> room_first_seqs_;
  std::unique_ptr<ProcessSampler> sampler_;
  std::unique_ptr<LiveWorld> world_;
  ScenarioRun run_;
};

Result<RunResult> LiveRun::run() {
  run_.result().target = target_.name();
  run_.result().started = wall_now();
  if (Status prepared = prepare(); !prepared) return prepared.error();
  run_.play();
  audit();
  return run_.finish();
}

// ---------------------------------------------------------------- prepare

Status LiveRun::prepare() {
  run_.begin_phase("prepare");
  if (Status limit = raise_descriptor_limit(scenario_.devices()); !limit) return limit;
  const auto status = admin_.status();
  if (!status) return status.error();
  run_.result().server_version = status->version;
  const auto trusted = admin_.trusted_sources();
  if (!trusted) return trusted.error();
  run_.result().trusted_sources = *trusted;
  if (Status made = make_users(); !made) return made;
  if (Status imported = import_chats(); !imported) return imported;
  if (Status minted = mint_tokens(); !minted) return minted;
  if (Status found = find_chats(); !found) return found;
  if (Status created = enter(); !created) return created;
  run_.end_phase();
  return {};
}

// Gives the users ids: their own ones by import, or those that the server gives at sign-up.
Status LiveRun::make_users() {
  // The tag only keeps runs apart; it is no part of what the seed decides.
  Random tags(static_cast<uint64_t>(wall_now().ms) ^ (uint64_t(getpid()) << 42));
  for (int attempt = 0; attempt < kTagAttempts; ++attempt) {
    const auto tag = static_cast<uint32_t>(1 + tags.below(Roster::kTagMax));
    roster_.emplace(run_.plan().population(), tag);
    const auto is_free =
        scenario_.login == Scenario::Login::password ? sign_everybody_up() : import_users();
    if (!is_free) return is_free.error();
    if (!*is_free) continue;
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
    run_.report(fmt::format("users {}/{}", i + 1, parts.size()));
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
    run_.report_now_and_then(fmt::format("sign-ups {}/{}", user + 1, scenario_.users));
  }
  roster_.emplace(run_.plan().population(), roster_->tag(), std::move(ids));
  return true;
}

Status LiveRun::import_chats() {
  const auto parts = roster_->import_of_chats(kImportBytes);
  for (size_t i = 0; i < parts.size(); ++i) {
    if (const auto answer = admin_.import(parts[i]); !answer) return answer.error();
    run_.report(fmt::format("chats {}/{}", i + 1, parts.size()));
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
    run_.report(fmt::format("tokens {}/{}", tokens_.size(), scenario_.users));
  }
  return {};
}

// Users follow a room from behind what the import wrote into it, and begin with inboxes that have
// all of it.
Status LiveRun::find_chats() {
  const Population& population = run_.plan().population();
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

Status LiveRun::enter() {
  sampler_ = std::make_unique<ProcessSampler>(target_);
  auto world = LiveWorld::create(scenario_, *roster_, target_);
  if (!world) return world.error();
  world_ = std::move(*world);
  run_.enter({.world = *world_,
              .usage = *sampler_,
              .roster = *roster_,
              .members = world_->members(),
              .tokens = std::move(tokens_),
              .room_first_seqs = std::move(room_first_seqs_)});
  return {};
}

void LiveRun::audit() {
  target_.reload();
  admin_.set_endpoint(target_.admin_endpoint());
  run_.audit([this](const ChatId& chat, const std::function<void(const v1::Event&)>& each) {
    return admin_.read_log(chat, each);
  });
}

}  // namespace

Result<RunResult> run_live(const LiveRunOptions& options) {
  if (Status checked = check_scenario(options.scenario); !checked) return checked.error();
  auto target = Target::open(options.target, options.admin);
  if (!target) return target.error();
  auto result = LiveRun(options, std::move(*target)).run();
  if (!result) return result;
  for (const std::string& section : virtual_sections(options.scenario)) {
    result->notes.push_back(section + ": left out, only a run in virtual time has it");
  }
  return result;
}

}  // namespace chat::sim
