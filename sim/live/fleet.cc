#include "sim/live/fleet.h"

#include <arpa/inet.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <span>
#include <utility>

#include "core/wire/chat.pb.h"
#include "sim/live/clock.h"
#include "sim/live/fleet_observer.h"

namespace chat::sim {
namespace {

constexpr uint32_t kUsersPerSource = 20'000;
constexpr size_t kReadBytes = 256 * 1024;
constexpr uint64_t kLoginEvent = UINT64_MAX;
constexpr int kTimersPerTurn = 512;
constexpr Duration kConnectTimeout = seconds(15);
constexpr Duration kLookInterval = milliseconds(250);
constexpr size_t kNotesMax = 20;
constexpr Duration kSlowReadPause = milliseconds(250);
constexpr int kSlowReceiveBuffer = 4'096;  ///< Else the kernel reads for a slow reader.

}  // namespace

/// Hands what a connection tells to the fleet.
class Fleet::Events : public ConnectionEvents {
 public:
  Events(Fleet& fleet, uint32_t user) : fleet_(fleet), user_(user) {}
  void on_open() override { fleet_.on_open(user_); }
  void on_message(std::string_view payload) override { fleet_.on_message(user_, payload); }
  void on_closed(CloseCode code, const std::string& refusal) override {
    fleet_.on_lost(user_, code, refusal);
  }

 private:
  Fleet& fleet_;
  uint32_t user_;
};

Result<std::unique_ptr<Fleet>> Fleet::create(FleetOptions options) {
  std::unique_ptr<Fleet> fleet(new Fleet(std::move(options)));
  if (Status status = fleet->set_up(); !status) return status.error();
  return fleet;
}

Fleet::Fleet(FleetOptions options)
    : options_(std::move(options)),
      last_seen_(options_.scenario.devices_per_user *
                 options_.plan.population().membership_count()),
      scratch_(kReadBytes),
      timers_(options_.scenario.devices()),
      random_(Random(options_.scenario.seed).fork("live")) {
  client_options_[0].encoding = Encoding::proto;
  client_options_[1].encoding = Encoding::json;
  const Scenario& scenario = options_.scenario;
  if (scenario.changes.any()) {
    known_ = std::make_unique<KnownMessages>(scenario.users, scenario.devices());
  }
}

Fleet::~Fleet() {
  if (epoll_fd_ >= 0) ::close(epoll_fd_);
}

Status Fleet::set_up() {
  const auto address = resolve(options_.target.public_endpoint());
  if (!address) return address.error();
  route_.to = *address;
  route_.authority = options_.target.public_endpoint().authority();
  spread_sources_ = is_loopback(*address);
  epoll_fd_ = ::epoll_create1(EPOLL_CLOEXEC);
  if (epoll_fd_ < 0) return make_error(ErrorCode::rate_limited, std::strerror(errno));
  if (options_.scenario.login == Scenario::Login::password) {
    logins_ = std::make_unique<LoginPool>(options_.roster, options_.target.public_endpoint());
    epoll_event event{.events = EPOLLIN, .data = {.u64 = kLoginEvent}};
    ::epoll_ctl(epoll_fd_, EPOLL_CTL_ADD, logins_->ready_fd(), &event);
  }
  if (options_.scenario.leaves.per_user_per_s > 0) {
    members_ = std::make_unique<MemberChanger>(options_.roster, options_.target.admin_endpoint());
  }
  const Population& population = options_.plan.population();
  users_.reserve(options_.scenario.devices());
  for (uint32_t index = 0; index < options_.scenario.devices(); ++index) {
    const uint32_t owner = owner_of(index);
    const bool json = population.traits(owner).json;
    LiveUser& user = users_.emplace_back(client_options_[json ? 1 : 0], options_.plan, owner,
                                         index / options_.scenario.users);
    user.device = options_.oracle.add_device(options_.roster.user_id(owner));
    if (!logins_) user.token = options_.tokens[owner];
    for (const uint32_t chat : population.chats_of(owner, ChatKind::room)) {
      const uint64_t first_seq = options_.room_first_seqs[chat];
      user.session.join_room({}, options_.roster.chat_id(chat), first_seq);
      options_.oracle.room_started(user.device, options_.roster.chat_id(chat), first_seq);
    }
  }
  options_.tokens.clear();
  return {};
}

// ---------------------------------------------------------------- phases

void Fleet::begin_ramp(Instant now, Meter& meter) {
  meter_ = &meter;
  now_ = last_delivery_ = now;
  for (uint32_t index = 0; index < users_.size(); ++index) {
    users_[index].reconnect_at = now + options_.plan.population().traits(owner_of(index)).arrives;
    timers_.set(index, users_[index].reconnect_at);
  }
}

void Fleet::begin_run(Instant now) {
  run_began_ = now;
  planned_ = true;
  for (uint32_t index = 0; index < users_.size(); ++index) {
    take_next_action(index);
    timers_.set(index, deadline_of(users_[index]));
  }
}

void Fleet::begin_storm(Instant now, double users_share) {
  storm_.emplace();
  storm_->at = now - Instant{};
  Random chosen = random_.fork("storm");
  for (uint32_t index = 0; index < users_.size(); ++index) {
    LiveUser& user = users_[index];
    if (chosen.unit() >= users_share || !user.welcomed) continue;
    ++storm_->dropped;
    user.in_storm = true;
    drop(index, CloseCode::abnormal, kNever);
    timers_.set(index, deadline_of(user));
  }
}

void Fleet::note_storm(uint32_t index) {
  LiveUser& user = users_[index];
  if (!user.in_storm || !user.session.is_live() || !user.session.rooms_live()) return;
  user.in_storm = false;
  storm_->recovered_after(now_ - (Instant{} + storm_->at));
}

void Fleet::begin_quiet(Instant now) {
  planned_ = false;
  if (members_) members_->hurry();
  for (uint32_t index = 0; index < users_.size(); ++index) {
    LiveUser& user = users_[index];
    user.next.reset();
    user.read_at = kNever;
    poll_for(index);
    if (user.reconnect_at != kNever) {
      const auto delay = static_cast<int64_t>(random_.below(1'000));
      user.reconnect_at = std::min(user.reconnect_at, now + milliseconds(delay));
    }
    timers_.set(index, deadline_of(user));
  }
}

void Fleet::reconnect_all(Instant now, Duration spread) {
  const auto count = static_cast<int64_t>(users_.size());
  for (uint32_t index = 0; index < users_.size(); ++index) {
    LiveUser& user = users_[index];
    if (user.gone) continue;
    user.bounce_at = now + Duration{spread.ns / count * index};
    timers_.set(index, deadline_of(user));
  }
}

void Fleet::stop() {
  for (LiveUser& user : users_) {
    for (const OperationDesk* desk : user.desks()) {
      for (size_t i = desk == nullptr ? 0 : desk->waiting.size(); i > 0; --i) {
        options_.oracle.not_sent();
        ++meter_->now().not_sent;
      }
    }
    user.sends.reset();
    user.changes.reset();
    user.connection.close_with(CloseCode::normal, random_);
  }
  connected_ = 0;
  if (members_ && members_->waiting() > 0) {
    note("not all users are back in their groups: " + members_->last_error());
  }
}

uint64_t Fleet::busy_users() const {
  return static_cast<uint64_t>(std::count_if(users_.begin(), users_.end(), [](const LiveUser& u) {
    const auto desks = u.desks();
    return !u.gone && std::any_of(desks.begin(), desks.end(), [](const OperationDesk* desk) {
      return desk != nullptr && (desk->busy || !desk->waiting.empty());
    });
  }));
}

uint64_t Fleet::users_behind() const {
  return static_cast<uint64_t>(std::count_if(users_.begin(), users_.end(), [](const LiveUser& u) {
    if (u.gone) return false;
    return !u.session.is_live() || !u.session.rooms_live() || u.gaps || u.bounce_at != kNever;
  }));
}

void Fleet::note(const std::string& text) {
  if (notes_.size() >= kNotesMax) return;
  if (std::find(notes_.begin(), notes_.end(), text) == notes_.end()) notes_.push_back(text);
}

// ---------------------------------------------------------------- the loop

void Fleet::turn(Instant until) {
  std::array<epoll_event, 512> ready;
  const Instant before = monotonic_now();
  const Instant wake = std::max(std::min({until, timers_.next(), meter_->next_tick()}), before);
  const Duration wait = wake - before;
  const timespec timeout{.tv_sec = wait.ns / 1'000'000'000, .tv_nsec = wait.ns % 1'000'000'000};
  // In ns: whole milliseconds would make every send up to one late.
  const int count =
      ::epoll_pwait2(epoll_fd_, ready.data(), static_cast<int>(ready.size()), &timeout, nullptr);
  const Instant woke = monotonic_now();
  // From the last wake-up to this one, less what was meant to be waited.
  meter_->note_wake_up(woke - now_ - wait);
  now_ = woke;
  for (int i = 0; i < count; ++i) {
    const epoll_event& event = ready[static_cast<size_t>(i)];
    if (event.data.u64 == kLoginEvent) {
      take_tokens();
    } else {
      handle_ready(static_cast<uint32_t>(event.data.u64), event.events);
    }
  }
  // Bounded, so that a machine that is too slow for its timers still reads its sockets.
  for (int fired = 0; fired < kTimersPerTurn; ++fired) {
    const auto user = timers_.pop_due(now_);
    if (!user) break;
    on_timer(*user);
    settle(*user);
  }
  meter_->tick(monotonic_now(), wall_now(), connected_);
}

void Fleet::handle_ready(uint32_t index, uint32_t events) {
  LiveUser& user = users_[index];
  Events handler(*this, index);
  const bool failed = (events & (EPOLLERR | EPOLLHUP)) != 0;
  user.connection.on_ready(failed || (events & EPOLLIN) != 0, failed || (events & EPOLLOUT) != 0,
                           std::span(scratch_).first(bytes_to_read(index, failed)), handler);
  settle(index);
}

// How much a device may read now. A slow reader that is connected takes a quarter of a second's
// worth, and waits for the rest of it.
size_t Fleet::bytes_to_read(uint32_t index, bool failed) {
  LiveUser& user = users_[index];
  const bool slow = planned_ && user.welcomed && !failed &&
                    options_.plan.population().traits(owner_of(index)).slow;
  if (!slow) return scratch_.size();
  user.read_at = now_ + kSlowReadPause;
  const auto bytes = static_cast<double>(options_.scenario.slow_readers.bytes_per_s);
  const auto share = static_cast<size_t>(bytes * kSlowReadPause.seconds());
  return std::clamp<size_t>(share, 1, scratch_.size());
}

void Fleet::poll_for(uint32_t index) {
  LiveUser& user = users_[index];
  if (user.connection.state() == Connection::State::closed) return;
  const bool write = user.connection.wants_write();
  const bool read = user.read_at == kNever;
  if (write == user.polls_write && read == user.polls_read) return;
  epoll_event event{.events = 0, .data = {.u64 = index}};
  if (read) event.events |= EPOLLIN;
  if (write) event.events |= EPOLLOUT;
  ::epoll_ctl(epoll_fd_, EPOLL_CTL_MOD, user.connection.fd(), &event);
  user.polls_write = write;
  user.polls_read = read;
}

// Sends what a call has queued and arms the user's timer anew.
void Fleet::settle(uint32_t index) {
  LiveUser& user = users_[index];
  if (user.connection.state() == Connection::State::open) {
    if (user.session.should_leave()) {
      drop(index, CloseCode::drain, kNever);
    } else {
      std::string message;
      while (user.session.take_output(message)) user.connection.send(message, random_);
    }
  }
  note_storm(index);
  poll_for(index);
  timers_.set(index, deadline_of(user));
}

Instant Fleet::deadline_of(const LiveUser& user) const {
  Instant at = std::min({user.reconnect_at, user.give_up_at, user.bounce_at});
  if (user.connection.state() == Connection::State::open) {
    at = std::min({at, user.session.next_wake(), user.read_at});
    for (const OperationDesk* desk : user.desks()) {
      if (desk && desk->busy && !desk->written && can_ask(user)) at = std::min(at, desk->retry_at);
    }
    if (user.gaps && user.gaps->frame_id == 0) at = std::min(at, user.gaps->retry_at);
  }
  if (planned_ && user.next) at = std::min(at, run_began_ + user.next->at);
  return at;
}

void Fleet::on_timer(uint32_t index) {
  LiveUser& user = users_[index];
  if (user.bounce_at <= now_) {
    user.bounce_at = kNever;
    // Who is on the way already has no need to come anew.
    if (user.connection.state() == Connection::State::open) {
      drop(index, CloseCode::abnormal, now_);
    } else {
      user.reconnect_at = std::min(user.reconnect_at, now_);
    }
  }
  if (user.read_at <= now_) user.read_at = kNever;
  if (user.give_up_at <= now_) {
    on_lost(index, CloseCode::abnormal, "no Welcome within 15 s");
  }
  if (user.reconnect_at <= now_ && user.connection.state() == Connection::State::closed) {
    open_connection(index);
  }
  if (user.connection.state() == Connection::State::open && user.session.next_wake() <= now_) {
    user.session.wake(now_);
  }
  while (planned_ && user.next && run_began_ + user.next->at <= now_) {
    const Action action = *user.next;
    take_next_action(index);
    act(index, action);
  }
  pump(index);
}

// ---------------------------------------------------------------- the life of a connection

void Fleet::open_connection(uint32_t index) {
  LiveUser& user = users_[index];
  user.reconnect_at = kNever;
  if (user.token.empty()) {
    if (!std::exchange(user.wants_token, true)) logins_->request(index);
    return;
  }
  ConnectionOptions route = route_;
  if (spread_sources_) {
    // 127.1.1.1, 127.1.2.1, …: each source address has its own ports.
    const uint32_t source = index / kUsersPerSource;
    route.from.s_addr = htonl(0x7f000001u | (1 + source / 250) << 16 | (1 + source % 250) << 8);
  }
  const UserTraits& traits = options_.plan.population().traits(owner_of(index));
  const Encoding encoding = traits.json ? Encoding::json : Encoding::proto;
  if (traits.slow) route.receive_buffer_bytes = kSlowReceiveBuffer;
  if (Status opened = user.connection.open(route, encoding, random_); !opened) {
    if (opened.error().code == ErrorCode::rate_limited) {
      meter_->invalidate("out of descriptors or ports: " + opened.error().text);
    }
    on_lost(index, CloseCode::abnormal, opened.error().text);
    return;
  }
  epoll_event event{.events = EPOLLIN | EPOLLOUT, .data = {.u64 = index}};
  ::epoll_ctl(epoll_fd_, EPOLL_CTL_ADD, user.connection.fd(), &event);
  user.polls_write = user.polls_read = true;
  user.read_at = kNever;
  user.give_up_at = now_ + kConnectTimeout;
}

void Fleet::on_open(uint32_t index) {
  LiveUser& user = users_[index];
  std::vector<ChatId> rooms;
  for (const uint32_t chat : options_.plan.population().chats_of(owner_of(index), ChatKind::room)) {
    rooms.push_back(options_.roster.chat_id(chat));
  }
  Witness(options_.oracle, user.device).before_hello(user.session, rooms);
  user.session.connected(now_,
                         {.token = user.token, .device_id = options_.roster.device_id(index)});
}

void Fleet::on_message(uint32_t index, std::string_view payload) {
  LiveUser& user = users_[index];
  now_ = std::max(now_, monotonic_now());
  Observer observer(*this, index);
  if (Status status = user.session.receive(now_, payload, observer, random_); !status) {
    note("a device could not read the server: " + status.error().text);
    ++meter_->now().errors;
    drop(index, CloseCode::abnormal, now_ + seconds(1));
    return;
  }
  pump(index);
}

void Fleet::on_lost(uint32_t index, CloseCode code, const std::string& refusal) {
  LiveUser& user = users_[index];
  if (!refusal.empty()) note(refusal);
  if (code != CloseCode::abnormal && code != CloseCode::going_away) {
    note("closed by the server with code " + std::to_string(static_cast<int>(code)));
  }
  user.connection.close();
  if (user.welcomed) --connected_;
  user.welcomed = false;
  user.welcomed_at = user.give_up_at = kNever;
  for (OperationDesk* desk : user.desks()) {
    if (desk != nullptr) desk->written = false;
  }
  if (user.gaps) user.gaps->frame_id = 0;
  const auto delay = user.session.closed(now_, code, random_);
  user.gone = !delay.has_value();
  user.reconnect_at = delay ? now_ + *delay : kNever;
  look_for_target();
}

// Closes a connection on purpose.
void Fleet::drop(uint32_t index, CloseCode code, Instant back_at) {
  LiveUser& user = users_[index];
  if (code == CloseCode::abnormal) {
    user.connection.close();
  } else {
    user.connection.close_with(code, random_);
  }
  if (user.welcomed) --connected_;
  user.welcomed = false;
  user.welcomed_at = user.give_up_at = kNever;
  for (OperationDesk* desk : user.desks()) {
    if (desk != nullptr) desk->written = false;
  }
  if (user.gaps) user.gaps->frame_id = 0;
  const auto delay = user.session.closed(now_, code, random_);
  user.reconnect_at = back_at != kNever ? back_at : now_ + delay.value_or(seconds(1));
}

// A chatd that was started anew may listen on other ports; its ready file says so.
void Fleet::look_for_target() {
  if (now_ - looked_at_ < kLookInterval) return;
  looked_at_ = now_;
  if (!options_.target.reload()) return;
  if (members_) members_->set_endpoint(options_.target.admin_endpoint());
  const Endpoint& endpoint = options_.target.public_endpoint();
  if (endpoint.authority() == route_.authority) return;
  const auto address = resolve(endpoint);
  if (!address) return;
  route_.to = *address;
  route_.authority = endpoint.authority();
  if (logins_) logins_->set_endpoint(endpoint);
}

void Fleet::take_tokens() {
  for (LoginPool::Answer& answer : logins_->take()) {
    LiveUser& user = users_[answer.user];
    user.wants_token = false;
    if (!answer.token) {
      note(answer.token.error().text);
      ++meter_->now().errors;
      user.gone = answer.token.error().code == ErrorCode::unauthenticated;
      user.reconnect_at = user.gone ? kNever : now_ + seconds(1);
      look_for_target();
    } else {
      user.token = std::move(*answer.token);
      if (can_ask(user)) {
        user.session.refresh_token(now_, user.token);
      } else if (user.connection.state() == Connection::State::closed) {
        user.reconnect_at = now_;
      }
    }
    settle(answer.user);
  }
}

}  // namespace chat::sim
