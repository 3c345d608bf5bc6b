#include "sim/live/live_world.h"

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

#include "sim/live/clock.h"

namespace chat::sim {
namespace {

constexpr uint32_t kUsersPerSource = 20'000;
constexpr size_t kReadBytes = 256 * 1024;
constexpr uint64_t kLoginEvent = UINT64_MAX;
constexpr int kTimersPerTurn = 512;
constexpr Duration kLookInterval = milliseconds(250);
constexpr Duration kSlowReadPause = milliseconds(250);
constexpr int kSlowReceiveBuffer = 4'096;  ///< Else the kernel reads for a slow reader.

}  // namespace

/// Hands what a connection tells to the crowd.
class LiveWorld::Events : public ConnectionEvents {
 public:
  Events(LiveWorld& world, uint32_t device) : world_(world), device_(device) {}
  void on_open() override { world_.crowd_->opened(world_.woke_, device_); }
  void on_message(std::string_view payload) override {
    world_.crowd_->received(world_.now(), device_, payload);
  }
  void on_closed(CloseCode code, const std::string& refusal) override {
    world_.link_ended_ = true;
    world_.crowd_->lost(world_.woke_, device_, code, refusal);
  }

 private:
  LiveWorld& world_;
  uint32_t device_;
};

Result<std::unique_ptr<LiveWorld>> LiveWorld::create(const Scenario& scenario, const Roster& roster,
                                                     Target& target) {
  std::unique_ptr<LiveWorld> world(new LiveWorld(scenario, roster, target));
  if (Status status = world->set_up(); !status) return status.error();
  return world;
}

LiveWorld::LiveWorld(const Scenario& scenario, const Roster& roster, Target& target)
    : scenario_(scenario),
      roster_(roster),
      target_(target),
      scratch_(kReadBytes),
      random_(Random(scenario.seed).fork("sockets")) {}

LiveWorld::~LiveWorld() {
  if (epoll_fd_ >= 0) ::close(epoll_fd_);
}

Status LiveWorld::set_up() {
  const auto address = resolve(target_.public_endpoint());
  if (!address) return address.error();
  route_.to = *address;
  route_.authority = target_.public_endpoint().authority();
  spread_sources_ = is_loopback(*address);
  epoll_fd_ = ::epoll_create1(EPOLL_CLOEXEC);
  if (epoll_fd_ < 0) return make_error(ErrorCode::rate_limited, std::strerror(errno));
  if (scenario_.login == Scenario::Login::password) {
    logins_ = std::make_unique<LoginPool>(roster_, target_.public_endpoint());
    epoll_event event{.events = EPOLLIN, .data = {.u64 = kLoginEvent}};
    ::epoll_ctl(epoll_fd_, EPOLL_CTL_ADD, logins_->ready_fd(), &event);
  }
  if (scenario_.leaves.per_user_per_s > 0) {
    members_ = std::make_unique<MemberChanger>(roster_, target_.admin_endpoint());
  }
  return {};
}

void LiveWorld::attach(Crowd& crowd, Meter& meter) {
  crowd_ = &crowd;
  meter_ = &meter;
  links_ = std::vector<Link>(crowd.devices());
}

Instant LiveWorld::now() const { return monotonic_now(); }
WallTime LiveWorld::wall() const { return wall_now(); }

// ---------------------------------------------------------------- the loop

void LiveWorld::turn(Instant until) {
  std::array<epoll_event, 512> ready;
  const Instant before = monotonic_now();
  Instant wake = std::min({until, crowd_->next_deadline(), meter_->next_tick()});
  if (!pauses_.empty()) wake = std::min(wake, pauses_.front().first);
  const Duration wait = std::max(wake, before) - before;
  const timespec timeout{.tv_sec = wait.ns / 1'000'000'000, .tv_nsec = wait.ns % 1'000'000'000};
  // In ns: whole milliseconds would make every send up to one late.
  const int count =
      ::epoll_pwait2(epoll_fd_, ready.data(), static_cast<int>(ready.size()), &timeout, nullptr);
  woke_ = monotonic_now();
  // From the last input to this wake-up, less what was meant to be waited.
  meter_->note_wake_up(woke_ - crowd_->now() - wait);
  for (int i = 0; i < count; ++i) {
    const epoll_event& event = ready[static_cast<size_t>(i)];
    if (event.data.u64 == kLoginEvent) {
      take_tokens();
    } else {
      handle_ready(static_cast<uint32_t>(event.data.u64), event.events);
    }
  }
  end_pauses();
  // Bounded, so that a machine that is too slow for its timers still reads its sockets.
  crowd_->fire_timers(woke_, kTimersPerTurn);
  meter_->tick(monotonic_now(), wall_now(), crowd_->connected());
}

void LiveWorld::handle_ready(uint32_t device, uint32_t events) {
  Events handler(*this, device);
  const bool failed = (events & (EPOLLERR | EPOLLHUP)) != 0;
  links_[device].connection.on_ready(
      failed || (events & EPOLLIN) != 0, failed || (events & EPOLLOUT) != 0,
      std::span(scratch_).first(bytes_to_read(device, failed)), handler);
  crowd_->settle(device);
  poll_for(device);
}

// How much a device may read now. A slow reader that is connected takes a quarter of a second's
// worth, and waits for the rest of it.
size_t LiveWorld::bytes_to_read(uint32_t device, bool failed) {
  if (failed || !crowd_->is_at_work(device)) return scratch_.size();
  if (!roster_.population().traits(crowd_->owner_of(device)).slow) return scratch_.size();
  Link& link = links_[device];
  if (!link.is_paused()) {
    link.paused_until = woke_ + kSlowReadPause;
    pauses_.emplace_back(link.paused_until, device);
  }
  const auto bytes = static_cast<double>(scenario_.slow_readers.bytes_per_s);
  const auto share = static_cast<size_t>(bytes * kSlowReadPause.seconds());
  return std::clamp<size_t>(share, 1, scratch_.size());
}

void LiveWorld::end_pauses() {
  while (!pauses_.empty() && pauses_.front().first <= woke_) {
    const auto [until, device] = pauses_.front();
    pauses_.pop_front();
    // That of a link which has ended means nothing to the next one.
    if (links_[device].paused_until != until) continue;
    links_[device].paused_until = {};
    poll_for(device);
  }
}

void LiveWorld::poll_for(uint32_t device) {
  Link& link = links_[device];
  if (link.connection.state() == Connection::State::closed) return;
  const bool write = link.connection.wants_write();
  const bool read = !link.is_paused();
  if (write == link.polls_write && read == link.polls_read) return;
  epoll_event event{.events = 0, .data = {.u64 = device}};
  if (read) event.events |= EPOLLIN;
  if (write) event.events |= EPOLLOUT;
  ::epoll_ctl(epoll_fd_, EPOLL_CTL_MOD, link.connection.fd(), &event);
  link.polls_write = write;
  link.polls_read = read;
}

// ---------------------------------------------------------------- links

Status LiveWorld::open(uint32_t device) {
  if (link_ended_) look_for_target();
  ConnectionOptions route = route_;
  if (spread_sources_) {
    // 127.1.1.1, 127.1.2.1, …: each source address has its own ports.
    const uint32_t source = device / kUsersPerSource;
    route.from.s_addr = htonl(0x7f000001u | (1 + source / 250) << 16 | (1 + source % 250) << 8);
  }
  const UserTraits& traits = roster_.population().traits(crowd_->owner_of(device));
  const Encoding encoding = traits.json ? Encoding::json : Encoding::proto;
  if (traits.slow) route.receive_buffer_bytes = kSlowReceiveBuffer;
  Link& link = links_[device];
  if (Status opened = link.connection.open(route, encoding, random_); !opened) {
    link_ended_ = true;
    return opened;
  }
  epoll_event event{.events = EPOLLIN | EPOLLOUT, .data = {.u64 = device}};
  ::epoll_ctl(epoll_fd_, EPOLL_CTL_ADD, link.connection.fd(), &event);
  link.polls_write = link.polls_read = true;
  link.paused_until = {};
  return {};
}

void LiveWorld::send(uint32_t device, std::string message) {
  links_[device].connection.send(message, random_);
  poll_for(device);
}

void LiveWorld::close(uint32_t device, CloseCode code) {
  link_ended_ = true;
  if (code == CloseCode::abnormal) {
    links_[device].connection.close();
  } else {
    links_[device].connection.close_with(code, random_);
  }
}

// A chatd that was started anew may listen on other ports; its ready file says so.
void LiveWorld::look_for_target() {
  const Instant at = monotonic_now();
  if (at - looked_at_ < kLookInterval) return;
  looked_at_ = at;
  link_ended_ = false;
  if (!target_.reload()) return;
  if (members_) members_->set_endpoint(target_.admin_endpoint());
  const Endpoint& endpoint = target_.public_endpoint();
  if (endpoint.authority() == route_.authority) return;
  const auto address = resolve(endpoint);
  if (!address) return;
  route_.to = *address;
  route_.authority = endpoint.authority();
  if (logins_) logins_->set_endpoint(endpoint);
}

// ---------------------------------------------------------------- log-ins

void LiveWorld::request_token(uint32_t user) {
  if (link_ended_) look_for_target();
  logins_->request(user);
}

void LiveWorld::take_tokens() {
  for (LoginPool::Answer& answer : logins_->take()) {
    if (!answer.token) link_ended_ = true;
    crowd_->token_came(woke_, answer.user, std::move(answer.token));
  }
}

}  // namespace chat::sim
