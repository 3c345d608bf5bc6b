#include "core/home/device_book.h"

#include <algorithm>
#include <utility>

#include "core/wire/chat.pb.h"

namespace chat {
namespace {

bool is_attached(const User& user, const std::string& device_id) {
  return std::any_of(user.devices.begin(), user.devices.end(), [&](const Device& device) {
    return device.attached && device.device_id == device_id;
  });
}

}  // namespace

void DeviceBook::attached(User& user, const std::string& device_id, const std::string& client) {
  auto& known = user.known_devices;
  const auto [at, is_new] = known.try_emplace(device_id, DeviceRow{.device_id = device_id});
  at->second.client = client;
  seen(user, device_id, context_.wall.ms);
  std::erase(user.forgotten_devices, device_id);
  if (!is_new || known.size() <= context_.policy().devices_per_user_max) return;
  const DeviceRow* oldest = nullptr;
  for (const auto& [id, row] : known) {
    if (id == device_id || is_attached(user, id)) continue;
    if (!oldest || row.last_seen_ms < oldest->last_seen_ms) oldest = &row;
  }
  if (oldest) forget(user, std::string(oldest->device_id));
}

void DeviceBook::acknowledged(User& user, const std::string& device_id, uint64_t inbox_seq) {
  const auto known = user.known_devices.find(device_id);
  if (known == user.known_devices.end() || inbox_seq <= known->second.acked_inbox_seq) return;
  known->second.acked_inbox_seq = std::min(inbox_seq, user.head);
  user.changed_devices.insert(device_id);
}

void DeviceBook::seen(User& user, const std::string& device_id, int64_t wall_ms) {
  const auto known = user.known_devices.find(device_id);
  if (known == user.known_devices.end() || wall_ms <= known->second.last_seen_ms) return;
  known->second.last_seen_ms = wall_ms;
  user.changed_devices.insert(device_id);
}

bool DeviceBook::forget(User& user, const std::string& device_id) {
  if (user.known_devices.erase(device_id) == 0) return false;
  ++context_.counters.devices_forgotten;
  user.changed_devices.erase(device_id);
  user.forgotten_devices.push_back(device_id);
  return true;
}

void DeviceBook::save(User& user, std::optional<uint64_t> delivered_inbox_seq,
                      std::optional<int64_t> last_seen_ms) {
  if (!delivered_inbox_seq && !last_seen_ms && user.forgotten_devices.empty()) return;
  SaveUser command{
      .user = user.id, .delivered_inbox_seq = delivered_inbox_seq, .last_seen_ms = last_seen_ms};
  for (const std::string& id : std::exchange(user.changed_devices, {})) {
    command.devices.push_back(user.known_devices.at(id));
  }
  command.forget_devices = std::exchange(user.forgotten_devices, {});
  context_.store(std::move(command), [](StoreResult&) {});
}

void DeviceBook::trim(User& user) {
  const EnginePolicy& policy = context_.policy();
  const uint64_t kept = user.head + 1 - std::min(user.oldest_inbox_seq, user.head + 1);
  if (kept < policy.inbox_keep + policy.inbox_trim_step) return;
  ++context_.counters.inbox_trims;
  user.oldest_inbox_seq = user.head + 1 - policy.inbox_keep;
  context_.store(TrimInbox{.user = user.id, .oldest_inbox_seq = user.oldest_inbox_seq},
                 [](StoreResult&) {});
}

void DeviceBook::list(const User& user, v1::DeviceList& out) const {
  out.set_inbox_head(user.head);
  for (const auto& [id, row] : user.known_devices) {
    v1::DeviceInfo& info = *out.add_devices();
    const bool online = is_attached(user, id);
    info.set_device_id(id);
    info.set_inbox_seq(row.acked_inbox_seq);
    info.set_last_seen_ms(online ? context_.wall.ms : row.last_seen_ms);
    info.set_online(online);
    info.set_client(row.client);
  }
}

}  // namespace chat
