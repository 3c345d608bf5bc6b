#include "sim/seeds/seed_run.h"

#include <algorithm>

#include "core/wire/chat.pb.h"
#include "sim/memory_store/memory_chat_store.h"
#include "sim/oracle/view_audit.h"
#include "sim/seeds/drawn_models.h"
#include "sim/seeds/log_audit.h"
#include "sim/seeds/seed_device.h"
#include "sim/seeds/unread_audit.h"
#include "sim/virtual/virtual_world.h"

namespace chat::sim {
namespace {

constexpr Duration kPresenceLimit = seconds(150);
constexpr size_t kWatched = 5;
constexpr Duration kOperationsTime = seconds(30);
constexpr Duration kSettleLimit = seconds(180);
constexpr PresenceMode kModes[] = {PresenceMode::push, PresenceMode::fetch, PresenceMode::off};

class SeedRun {
 public:
  explicit SeedRun(const SeedOptions& options)
      : options_(options),
        random_(Random(options.seed).fork("seed")),
        store_(make_store()),
        keeper_(*store_),
        world_(draw_world(), keeper_),
        scene_{.world = world_, .oracle = oracle_, .ledger = ledger_, .retention = retention_} {}

  SeedResult run() {
    if (options_.models) retention_.expect_models();
    draw_users();
    create_chats();
    plan_operations();
    world_.run_until(operations_end_);
    WorldFaults calm;
    world_.set_faults(calm);
    for (auto& device : devices_) device->client().start();
    settle("sending", [&] {
      return open_requests_ == 0 && all_up() &&
             std::all_of(devices_.begin(), devices_.end(),
                         [](const auto& device) { return device->has_sent_all(); });
    });
    world_.run_until(world_.now() + seconds(12));
    for (auto& device : devices_) {
      device->client().drop();
      device->client().start();
    }
    scene_.quiet = true;
    settle("reading to the head", [&] { return all_settled(); });
    world_.run_until(world_.now() + seconds(2));
    // Whoever is live now has to get what comes without reading again.
    for (auto& device : devices_) {
      device->look_back();
      device->say(any_chat_for(*device));
    }
    settle("the last words", [&] { return all_settled(); });
    look_at_kept_messages();
    // With bursts of loss the last receipts take their time, and who leaves gets no more of them.
    world_.run_until(world_.now() + (options_.models ? seconds(30) : seconds(3)));
    ask_for_chats();
    watch_some_leave();
    return judge();
  }

 private:
  std::unique_ptr<ChatStore> make_store() {
    const uint64_t epoch = random_.next() | 1;
    if (options_.make_store) return options_.make_store(epoch);
    return std::make_unique<MemoryChatStore>(epoch);
  }

  template <class T>
  T pick(std::initializer_list<T> values) {
    return *(values.begin() + random_.below(values.size()));
  }

  WorldOptions draw_world() {
    users_ = 20 + random_.below(6);
    WorldOptions world;
    world.seed = options_.seed;
    world.users = users_;
    world.engines_of_process = options_.engines_of_process;
    if (world.engines_of_process.empty()) {
      world.engines_of_process =
          pick<std::vector<int>>({{1, 1, 1}, {2, 1}, {3}, {2, 2}, {1, 2, 1}});
    }
    EnginePolicy& policy = world.policy;
    policy.sync_events_max = pick<uint32_t>({3, 10, 500});
    policy.history_events_max = pick<uint32_t>({5, 200});
    policy.reset_gap = pick<uint32_t>({10'000, 10'000, 60});
    policy.append_events_max = pick<uint32_t>({1, 4, 256});
    policy.upkeep_interval = seconds(2);
    policy.prune_interval_min = seconds(2);
    policy.idle_eviction = pick<Duration>({seconds(2), minutes(5)});
    policy.heartbeat_interval = pick<Duration>({seconds(4), seconds(30)});
    policy.presence_events_per_second = pick<uint32_t>({20, 20'000});
    policy.page_bytes_max = pick<uint32_t>({2'000, 48 * 1024});
    policy.durable_bytes_max = pick<uint32_t>({1'500, 4'000, 256 * 1024});
    if (options_.faults) world.faults = draw_faults();
    if (options_.models) draw_models(random_.fork("models"), world);
    world.tamper = options_.tamper;
    world.make_delay_log = options_.make_delay_log;
    if (options_.on_crash) world.on_crash = [this] { options_.on_crash(*store_); };
    for (int engines : world.engines_of_process) setting_ += std::to_string(engines) + " ";
    setting_ += "engines per process, page of " + std::to_string(policy.sync_events_max) +
                ", reset gap " + std::to_string(policy.reset_gap) + ", appends of " +
                std::to_string(policy.append_events_max);
    return world;
  }

  WorldFaults draw_faults() {
    WorldFaults faults;
    faults.store.delay_max = pick<Duration>({milliseconds(1), milliseconds(10), milliseconds(80)});
    faults.store.stall_one_in = pick<uint32_t>({0, 200});
    faults.store.stall = pick<Duration>({milliseconds(500), seconds(4)});
    faults.delay_log.error_one_in = pick<uint32_t>({0, 0, 10});
    faults.store.unknown_one_in = pick<uint32_t>({0, 30, 200});
    faults.store.conflict_one_in = pick<uint32_t>({0, 50, 200});
    faults.store.error_one_in = pick<uint32_t>({0, 0, 200});
    faults.client_delay_max = pick<Duration>({milliseconds(2), milliseconds(60)});
    faults.peer_delay_max = pick<Duration>({microseconds(200), milliseconds(20)});
    faults.peer_lost_one_in = pick<uint32_t>({0, 10, 100});
    faults.peer_repeated_one_in = pick<uint32_t>({0, 20});
    faults.peer_stray_one_in = pick<uint32_t>({0, 30});
    faults.slow_reader = pick<Duration>({seconds(3), seconds(12)});
    faults.slow_reader_one_in = pick<uint32_t>({0, 300, 300});
    faults.half_open_one_in = pick<uint32_t>({0, 2});
    return faults;
  }

  void draw_users() {
    for (uint64_t user = 1; user <= users_; ++user) {
      const uint64_t count = pick<uint64_t>({1, 2, 2, 3});
      for (uint64_t i = 1; i <= count; ++i) {
        SeedDevice::Options device;
        device.user = UserId{user};
        device.device_id = "u" + std::to_string(user) + "d" + std::to_string(i);
        device.client.encoding = random_.chance(1, 10) ? Encoding::json : Encoding::proto;
        device.client.want_receipts = random_.chance(1, 2);
        if (random_.chance(1, 4)) device.token_life = milliseconds(random_.between(2'000, 9'000));
        device.client.want_typing = random_.chance(1, 2);
        device.client.want_presence = i == 1 && random_.chance(1, 2);
        while (device.client.want_presence && device.watched.size() < kWatched) {
          device.watched.push_back(UserId{1 + random_.below(users_)});
        }
        devices_.push_back(
            std::make_unique<SeedDevice>(scene_, device, random_.fork("device", devices_.size())));
        VirtualClient& client = devices_.back()->client();
        world_.queue().after(milliseconds(random_.between(0, 4'000)),
                             [&client] { client.start(); });
      }
    }
  }

  // ---------------------------------------------------------------- chats and members

  void create_chats() {
    const uint64_t groups = 3 + random_.below(4), rooms = 1 + random_.below(3);
    for (uint64_t i = 0; i < groups + rooms; ++i) {
      const bool room = i >= groups;
      const ChatId chat = ChatId::named((room ? "room " : "group ") + std::to_string(i));
      chats_.push_back(chat);
      if (room) scene_.rooms.insert(chat);
      auto request = std::make_shared<v1::Request>();
      v1::CreateChat& create = *request->mutable_create_chat();
      create.set_kind(room ? v1::ROOM : v1::GROUP);
      create.set_title("chat " + std::to_string(i));
      create.set_chat_id(chat.str());
      draw_life(chat, create);
      for (uint64_t user = 1; user <= users_; ++user) {
        if (random_.chance(1, 3)) create.add_member_ids(user);
      }
      if (create.member_ids_size() == 0) create.add_member_ids(1);
      world_.queue().after(milliseconds(random_.between(0, 2'000)),
                           [this, request] { ask(request); });
    }
  }

  // Some chats keep their messages for seconds only, some end while the world lives.
  void draw_life(const ChatId& chat, v1::CreateChat& create) {
    Random random = random_.fork("life of " + chat.hex());
    if (random.chance(1, 4)) create.set_retention_ms(random.between(4'000, 20'000));
    if (random.chance(1, 8)) create.set_ttl_ms(random.between(5'000, 30'000));
    retention_.keeps(chat, create.retention_ms());
    if (create.ttl_ms() != 0) retention_.ends(chat);
  }

  // Without faults no answer may show anything that is too old.
  void look_at_kept_messages() {
    for (const ChatId& chat : chats_) {
      auto request = std::make_shared<v1::Request>();
      request->mutable_history()->set_chat_id(chat.str());
      request->mutable_history()->set_forward(true);
      world_.request(request, [this](const v1::Response* response) {
        if (response == nullptr) return;
        for (const v1::Event& event : response->history_page().events()) {
          retention_.shown(event, world_.wall(), retention_.calm_ms());
        }
      });
    }
  }

  // Repeats a request until it is answered for good: it carries its own key.
  void ask(std::shared_ptr<const v1::Request> request) {
    ++open_requests_;
    world_.request(request, [this, request](const v1::Response* response) {
      --open_requests_;
      if (response != nullptr && !response->error().temporary()) return;
      ++open_requests_;
      world_.queue().after(milliseconds(700), [this, request] {
        --open_requests_;
        ask(request);
      });
    });
  }

  void change_members() {
    auto request = std::make_shared<v1::Request>();
    v1::ChangeMembers& change = *request->mutable_change_members();
    change.set_chat_id(chats_[random_.below(chats_.size())].str());
    change.set_client_op_id(random_key(random_));
    for (uint64_t i = 1 + random_.below(3); i > 0; --i) {
      const uint64_t user = 1 + random_.below(users_);
      switch (random_.below(12)) {
        case 0:
          change.add_ban(user);
          break;
        case 1:
        case 2:
          change.add_unban(user);
          break;
        case 3:
        case 4: {
          v1::RoleChange& role = *change.add_set_roles();
          role.set_user_id(user);
          role.set_role(random_.chance(1, 2) ? v1::ADMIN : v1::MEMBER);
          break;
        }
        case 5:
        case 6:
        case 7:
          change.add_remove(user);
          break;
        default:
          change.add_add(user);
          break;
      }
    }
    ask(request);
  }

  void rename_chat() {
    auto request = std::make_shared<v1::Request>();
    v1::UpdateChat& update = *request->mutable_update_chat();
    update.set_chat_id(chats_[random_.below(chats_.size())].str());
    update.set_client_op_id(random_key(random_));
    update.set_title("now " + std::to_string(random_.below(1'000)));
    ask(request);
  }

  // ---------------------------------------------------------------- operations

  void plan_operations() {
    const Instant begin = world_.now() + seconds(1);
    operations_end_ = begin + kOperationsTime + seconds(1);
    for (int i = 0; i < options_.operations; ++i) {
      const Instant when = begin + Duration{random_.between(0, kOperationsTime.ns)};
      world_.queue().at(when, [this] { operate(); });
    }
    plan_limits(begin);
    if (!options_.faults) return;
    for (uint64_t i = 1 + random_.below(6); i > 0; --i) {
      const Instant when = begin + Duration{random_.between(0, kOperationsTime.ns)};
      world_.queue().at(when, [this] { break_something(); });
    }
  }

  // The operator turns presence down and up again, or lets users write less for a while.
  void plan_limits(Instant begin) {
    Random random = random_.fork("limits");
    world_.queue().at(operations_end_, [this] { world_.set_limits({}); });
    for (uint64_t i = random.below(4); i > 0; --i) {
      RuntimeLimits limits;
      limits.presence_mode = kModes[random.below(std::size(kModes))];
      if (random.chance(1, 3)) limits.sends_per_second_user = 1;
      world_.queue().at(begin + Duration{random.between(0, kOperationsTime.ns)},
                        [this, limits] { world_.set_limits(limits); });
    }
  }

  SeedDevice& any_device() { return *devices_[random_.below(devices_.size())]; }

  void operate() {
    SeedDevice& device = any_device();
    const uint64_t dice = random_.below(100);
    if (dice < 44) {
      device.say(any_chat_for(device));
    } else if (dice < 46) {
      say_at_once();
    } else if (dice < 51) {
      device.edit_something();
    } else if (dice < 55) {
      device.delete_something();
    } else if (dice < 60) {
      device.react_to_something();
    } else if (dice < 64) {
      device.repeat_last(random_.chance(1, 3));
    } else if (dice < 74) {
      device.read_something();
    } else if (dice < 80) {
      device.look_back();
    } else if (dice < 87) {
      device.client().drop();
    } else if (dice < 91) {
      // Says goodbye, or falls asleep without a word; comes back later.
      const bool asleep = random_.chance(1, 2);
      if (asleep) device.client().drop();
      device.client().leave();
      VirtualClient& client = device.client();
      const Duration away = milliseconds(random_.between(0, asleep ? 25'000 : 6'000));
      world_.queue().after(away, [this, &client] {
        if (!scene_.quiet) client.start();  // Else all were started, and some have left for good.
      });
    } else if (dice < 93) {
      device.revoke();
    } else if (dice < 94) {
      rename_chat();
    } else if (dice < 95) {
      device.type();
    } else {
      change_members();
    }
  }

  // Several devices in one chat within the same millisecond.
  void say_at_once() {
    const ChatId chat = chats_[random_.below(chats_.size())];
    for (uint64_t i = 2 + random_.below(5); i > 0; --i) any_device().say(chat);
  }

  // Now and then a chat that the user is no member of.
  ChatId any_chat_for(const SeedDevice& device) {
    const std::vector<ChatId> known = device.known_chats();
    const uint64_t dice = random_.below(10);
    if (dice < 5 && !known.empty()) return known[random_.below(known.size())];
    if (dice < 7) return chats_[random_.below(chats_.size())];
    const uint64_t other = 1 + random_.below(users_ - 1);
    return ChatId::direct(device.user(), UserId{other < device.user().value ? other : other + 1});
  }

  void break_something() {
    const size_t process = random_.below(world_.processes());
    switch (random_.below(7)) {
      case 0:
        world_.partition(process, random_.below(world_.processes()),
                         milliseconds(random_.between(500, 8'000)));
        break;
      case 1:
        oracle_.delayed_order_is_lost();
        world_.leave_ring(random_.below(world_.engines()),
                          milliseconds(random_.between(50, 5'000)));
        break;
      case 2:
        // A new version: its clients are sent away first.
        ++crashes_;
        if (world_.processes() > 1) oracle_.delayed_order_is_lost();
        world_.drain(process, {.window = seconds(1), .reconnect_after = {}, .url = {}});
        world_.queue().after(seconds(4), [this, process] { world_.crash(process, seconds(1)); });
        break;
      case 3:
      case 4:
        world_.stall_store(milliseconds(random_.between(500, 8'000)));
        break;
      default:
        ++crashes_;
        if (world_.processes() > 1) oracle_.delayed_order_is_lost();
        world_.crash(process, milliseconds(random_.between(50, 6'000)));
        break;
    }
  }

  bool all_up() const {
    for (size_t process = 0; process < world_.processes(); ++process) {
      if (!world_.is_up(process)) return false;
    }
    return true;
  }

  bool all_settled() const {
    return std::all_of(devices_.begin(), devices_.end(),
                       [](const auto& device) { return device->is_settled(); });
  }

  // Some users go, and every watcher has to learn of it, and of nobody else.
  void watch_some_leave() {
    std::set<UserId> online;
    for (uint64_t user = 1; user <= users_; ++user) {
      if (!random_.chance(1, 4)) online.insert(UserId{user});
    }
    for (auto& device : devices_) {
      if (!online.contains(device->user())) device->client().leave();
    }
    const auto mistakes = [&](const SeedDevice& device) {
      return online.contains(device.user()) ? device.eyes().mistakes(online) : std::string();
    };
    const auto converged = [&] {
      return std::all_of(devices_.begin(), devices_.end(),
                         [&](const auto& device) { return mistakes(*device).empty(); });
    };
    const Instant limit = world_.now() + kPresenceLimit;
    while (!converged() && world_.now() < limit) world_.run_until(world_.now() + milliseconds(200));
    for (const auto& device : devices_) {
      if (const std::string wrong = mistakes(*device); !wrong.empty()) {
        scene_.violations.push_back("presence, told to " + device->describe() + ":" + wrong);
      }
    }
  }

  // Lets time pass until `done`, or calls it a violation.
  template <class Done>
  void settle(const std::string& what, Done done) {
    const Instant limit = world_.now() + kSettleLimit;
    while (!done() && world_.now() < limit) world_.run_until(world_.now() + milliseconds(200));
    if (done()) return;
    scene_.violations.push_back("not quiet after " + what + ": " + std::to_string(open_requests_) +
                                " open requests");
    for (const auto& device : devices_) {
      if (!device->is_settled()) scene_.violations.push_back(device->describe());
    }
  }

  // What every user is told of its chats at the end.
  void ask_for_chats() {
    for (uint64_t user = 1; user <= users_; ++user) {
      auto request = std::make_shared<v1::Request>();
      request->set_user_id(user);
      request->mutable_list_chats();
      ++open_requests_;
      world_.request(request, [this, user](const v1::Response* response) {
        --open_requests_;
        if (response != nullptr && response->has_chat_list()) {
          chat_lists_[UserId{user}] = {response->chat_list(), world_.wall()};
        }
      });
    }
    settle("asking for chats", [&] { return open_requests_ == 0; });
    if (chat_lists_.size() != users_) scene_.violations.push_back("a user got no list of chats");
  }

  void judge_views(const ViewAudit& audit) {
    audit.judge_logs(scene_.violations);
    for (const auto& device : devices_) {
      for (const auto& [chat, view] : device->views()) {
        if (scene_.rooms.contains(chat)) continue;  // Their streams may skip.
        if (retention_.forgets(chat)) continue;     // What changed a message may be pruned.
        audit.judge_view(device->user(), device->device_id(), chat, view, scene_.violations);
      }
    }
  }

  SeedResult judge() {
    SeedResult result;
    if (world_.delayed_sends() > 0) {
      scene_.violations.push_back(std::to_string(world_.delayed_sends()) +
                                  " sends are delayed still");
    }
    ViewAudit views;
    UnreadAudit unread;
    const auto read = [&](const ChatId& chat, const v1::Event& event) {
      views.truth(chat, event);
      unread.truth(chat, event);
    };
    audit_store({*store_, keeper_, users_, world_.wall(), retention_}, oracle_, ledger_, read,
                scene_.violations);
    judge_views(views);
    for (const auto& [user, told] : chat_lists_) {
      unread.judge(user, told, retention_, scene_.violations);
    }
    for (const auto& device : devices_) {
      if (const ReceiptBook* book = device->receipts()) {
        audit_receipts(*store_, device->user(), device->device_id(), *book, scene_.violations);
      }
    }
    result.oracle = oracle_.finish();
    result.violations = std::move(scene_.violations);
    result.digest = world_.digest();
    result.turns = world_.turns();
    result.crashes = crashes_;
    result.rare_paths = counted_by(world_.counters());
    result.rare_paths.add(scene_.rare_paths);
    result.setting = setting_;
    return result;
  }

  const SeedOptions& options_;
  Random random_;
  uint64_t users_ = 0;
  std::string setting_;
  std::unique_ptr<ChatStore> store_;
  LogKeeper keeper_;
  VirtualWorld world_;
  Oracle oracle_;
  InboxLedger ledger_;
  RetentionWatch retention_;
  SeedScene scene_;
  std::vector<std::unique_ptr<SeedDevice>> devices_;
  std::vector<ChatId> chats_;
  std::map<UserId, ToldChats> chat_lists_;
  Instant operations_end_;
  int open_requests_ = 0;
  uint64_t crashes_ = 0;
};

}  // namespace

std::string SeedResult::describe() const {
  const OracleCounts& c = oracle.counts;
  std::string text =
      setting + "\n" + std::to_string(c.sent) + " sent, " + std::to_string(c.acked) + " acked, " +
      std::to_string(c.delayed) + " delayed, " + std::to_string(c.delivered) + " of " +
      std::to_string(c.expected_deliveries) + " delivered, " + std::to_string(c.by_history) +
      " by history, " + std::to_string(c.lost) + " lost, " + std::to_string(c.duplicate) +
      " duplicate, " + std::to_string(c.reordered) + " reordered, " + std::to_string(c.phantom) +
      " phantom, " + std::to_string(crashes) + " crashes, " + std::to_string(turns) + " turns\n";
  for (const OracleExample& example : oracle.examples) {
    text += std::string(name_of(example.finding)) + ": " + example.text + "\n";
  }
  for (const std::string& violation : violations) text += "violation: " + violation + "\n";
  return text;
}

SeedResult run_seed(const SeedOptions& options) { return SeedRun(options).run(); }

}  // namespace chat::sim
