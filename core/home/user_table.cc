#include "core/home/user_table.h"

#include <algorithm>
#include <utility>

namespace chat {
namespace {

constexpr Duration kLoadRetry = milliseconds(200);

}  // namespace

bool User::attached() const {
  return std::any_of(devices.begin(), devices.end(), [](const Device& d) { return d.attached; });
}

Device* User::device(SessionId session) {
  const auto found = std::find_if(devices.begin(), devices.end(),
                                  [&](const Device& d) { return d.session == session; });
  return found == devices.end() ? nullptr : &*found;
}

Device* User::device(EngineId engine, ConnId conn) {
  Device* lost = nullptr;
  for (Device& device : devices) {
    if (device.engine != engine || device.conn != conn) continue;
    if (device.attached) return &device;
    lost = &device;  // Its engine may have restarted since, and counts its connections anew.
  }
  return lost;
}

UserTable::UserTable(EngineContext& context) : context_(context) {}
UserTable::~UserTable() = default;

User* UserTable::find(UserId id) {
  const auto found = users_.find(id);
  if (found == users_.end() || found->second->state != User::State::ready) return nullptr;
  return found->second.get();
}

User* UserTable::in_memory(UserId id) {
  const auto found = users_.find(id);
  return found == users_.end() ? nullptr : found->second.get();
}

User& UserTable::get(UserId id) {
  auto& slot = users_[id];
  if (!slot) {
    slot = std::make_unique<User>();
    slot->id = id;
    slot->owned = context_.owns(id);
    slot->index = order_.size();
    order_.push_back(slot.get());
  }
  if (slot->state == User::State::unread) reload(*slot);
  slot->last_used = context_.now;
  return *slot;
}

void UserTable::when_loaded(UserId id, std::function<void(User&)> then) {
  User& user = get(id);
  if (user.state == User::State::ready) {
    then(user);
  } else {
    user.waiting.push_back(std::move(then));
  }
}

void UserTable::reload(User& user, Duration delay) {
  user.state = User::State::loading;
  if (delay.ns > 0) {
    context_.arm(delay, TimerKind::user_reload, user.id.value);
  } else {
    load(user);
  }
}

void UserTable::on_ring_changed(const std::function<void(UserId)>& lost) {
  for (User* user : order_) {
    const bool before = std::exchange(user->owned, context_.owns(user->id));
    if (before && !user->owned) lost(user->id);
    if (!before && user->owned) read_again(*user);
  }
}

void UserTable::read_again(User& user) {
  if (user.state == User::State::unread) return;
  if (user.writing) {
    user.read_again = true;
  } else {
    reload(user);
  }
}

void UserTable::on_reload_timer(UserId id) {
  const auto found = users_.find(id);
  if (found != users_.end() && found->second->state == User::State::loading) load(*found->second);
}

void UserTable::load(User& user) {
  const UserId id = user.id;
  user.load_number = ++loads_;
  user.read_again = false;
  context_.store(LoadUser{id}, [this, id, number = user.load_number](StoreResult& result) {
    const auto found = users_.find(id);
    if (found == users_.end() || found->second->load_number != number) return;
    if (found->second->state != User::State::loading) return;
    if (const auto* row = std::get_if<UserLoaded>(&result)) {
      loaded(*found->second, *row);
    } else {
      context_.arm(kLoadRetry, TimerKind::user_reload, id.value);
    }
  });
}

void UserTable::loaded(User& user, const UserLoaded& result) {
  const bool first = !std::exchange(user.known, true);
  const bool moved = !first && result.row.inbox_head != user.head;
  user.state = User::State::ready;
  user.head = result.row.inbox_head;
  user.last_seen_ms = std::max(user.last_seen_ms, result.row.last_seen_ms);
  user.delivered_stored = std::max(user.delivered_stored, result.row.delivered_inbox_seq);
  user.delivered_through = std::max(user.delivered_through, user.delivered_stored);
  user.chats.clear();
  for (const UserChatRow& chat : result.chats) user.chats.emplace(chat.chat, chat);
  user.oldest_inbox_seq = result.row.oldest_inbox_seq;
  merge_devices(user, result.devices);
  if (first || moved) {
    user.recent.clear();
    user.recent_from = user.head + 1;
  }
  if (moved && head_moved_) head_moved_(user);
  run_waiting(user);
}

/// What is in memory is newer than what was saved. A cursor beyond the head is of another epoch.
void UserTable::merge_devices(User& user, const std::vector<DeviceRow>& rows) {
  for (const DeviceRow& row : rows) {
    const auto& forgotten = user.forgotten_devices;
    if (std::find(forgotten.begin(), forgotten.end(), row.device_id) != forgotten.end()) continue;
    const auto [known, is_new] = user.known_devices.try_emplace(row.device_id, row);
    DeviceRow& device = known->second;
    device.acked_inbox_seq =
        std::min(std::max(device.acked_inbox_seq, row.acked_inbox_seq), user.head);
    device.last_seen_ms = std::max(device.last_seen_ms, row.last_seen_ms);
  }
}

void UserTable::run_waiting(User& user) {
  if (user.state != User::State::ready) return;
  const auto waiting = std::exchange(user.waiting, {});
  for (const auto& then : waiting) then(user);
}

void UserTable::forget(UserId id) {
  const auto found = users_.find(id);
  if (found == users_.end()) return;
  User* last = order_.back();
  last->index = found->second->index;
  order_[last->index] = last;
  order_.pop_back();
  users_.erase(found);
}

}  // namespace chat
