#include "sim/exact/exact_world.h"

#include <algorithm>
#include <utility>

#include "core/base/assert.h"

namespace chat::sim {
namespace {

constexpr int kTimersAtOnce = 512;

}  // namespace

void ExactWorld::End::on_open() {
  world->crowd_->opened(world->now(), device);
  world->crowd_->settle(device);
}

void ExactWorld::End::on_message(const std::string& bytes) {
  world->crowd_->received(world->now(), device, bytes);
  world->crowd_->settle(device);
}

void ExactWorld::End::on_closed(CloseCode code) {
  link = LinkRef();
  world->crowd_->lost(world->now(), device, code, "");
  world->crowd_->settle(device);
}

ExactWorld::ExactWorld(const Scenario& scenario, const RunPlan& plan, VirtualWorld& world,
                       Oracle& oracle)
    : scenario_(scenario), plan_(plan), world_(world), oracle_(oracle) {}

void ExactWorld::attach(Crowd& crowd, Meter& meter) {
  crowd_ = &crowd;
  meter_ = &meter;
  ends_ = std::vector<End>(crowd.devices());
  for (uint32_t device = 0; device < crowd.devices(); ++device) {
    ends_[device].world = this;
    ends_[device].device = device;
  }
}

void ExactWorld::begin_run() {
  if (scenario_.faults.empty()) return;
  faults_.emplace(scenario_, world_, *crowd_, oracle_);
}

void ExactWorld::turn(Instant until) {
  const Instant limit = std::min(until, meter_->next_tick());
  for (;;) {
    const Instant timer = std::max(now(), crowd_->next_deadline());
    if (world_.queue().run_next(std::min(limit, timer))) continue;
    if (timer > limit) break;
    crowd_->fire_timers(now(), kTimersAtOnce);
  }
  meter_->tick(now(), wall(), crowd_->connected());
}

// A user's path to the servers is that of its region; regions get their shares of the users.
uint32_t ExactWorld::path_kind_of(uint32_t user) const {
  if (scenario_.regions.size() < 2) return 0;
  double total = 0;
  for (const Region& region : scenario_.regions) total += region.share;
  double mark = Random(scenario_.seed).fork("region", user).unit() * total;
  uint32_t kind = 0;
  for (; kind + 1 < scenario_.regions.size(); ++kind) {
    mark -= scenario_.regions[kind].share;
    if (mark < 0) break;
  }
  return kind;
}

Status ExactWorld::open(uint32_t device) {
  const uint32_t user = crowd_->owner_of(device);
  const bool json = plan_.population().traits(user).json;
  End& end = ends_[device];
  end.link = world_.connect(end, json ? Encoding::json : Encoding::proto, path_kind_of(user));
  return {};
}

void ExactWorld::send(uint32_t device, std::string message) {
  world_.send(ends_[device].link, std::move(message));
}

void ExactWorld::close(uint32_t device, CloseCode code) {
  const LinkRef link = std::exchange(ends_[device].link, LinkRef());
  if (!link) return;
  if (code == CloseCode::abnormal) {
    world_.drop(link);
  } else {
    world_.close(link, code);
  }
}

void ExactWorld::request_token(uint32_t) {
  CHAT_ASSERT(false && "every user has a token from the beginning");
}

std::optional<ServerSample> ExactWorld::server() const {
  ServerSample sample;
  sample.use.cpu_s = world_.cpu_time().seconds();
  sample.number = static_cast<uint64_t>(now().ns);
  return sample;
}

}  // namespace chat::sim
