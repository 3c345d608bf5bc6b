#include "sim/virtual/virtual_store.h"

#include <algorithm>
#include <set>
#include <span>

#include "core/store/store_rules.h"

namespace chat::sim {

std::vector<VirtualStore::Lane> VirtualStore::lanes_of(const StoreCommand& command) {
  if (const auto* append = std::get_if<AppendEvents>(&command)) return {append->chat};
  if (const auto* save = std::get_if<SaveUser>(&command)) return {save->user};
  if (const auto* prune = std::get_if<PruneChat>(&command)) return {prune->chat};
  if (const auto* drop = std::get_if<DropChat>(&command)) return {drop->chat};
  if (const auto* trim = std::get_if<TrimInbox>(&command)) return {trim->user};
  std::vector<Lane> lanes;
  if (const auto* inboxes = std::get_if<AppendInboxes>(&command)) {
    for (const InboxWrite& write : inboxes->writes) lanes.push_back(write.user);
  }
  return lanes;
}

Duration VirtualStore::delay() {
  if (one_in(faults_.stall_one_in)) return faults_.stall;
  return slow_.of(Duration{random_.between(10'000, faults_.delay_max.ns)}, queue_.now());
}

void VirtualStore::execute(EngineRef engine, Store store, Answer answer) {
  const uint64_t number = next_number_++;
  const auto place = commands_.emplace(
      number, Command{engine, store.token, std::move(store.command), std::move(answer)});
  const Command& command = place.first->second;
  const auto action = [this, number] { run(number); };
  if (!disk_) {
    queue_.at(shuffled(command), action);
  } else if (is_write(command.command)) {
    disk_->write(cost_of(command.command).bytes, action);
  } else {
    disk_->read(action);
  }
}

// When a command runs without a model of the disk: any time, but for the order within its lanes.
Instant VirtualStore::shuffled(const Command& command) {
  Instant when = queue_.now() + delay();
  const std::vector<Lane> lanes = lanes_of(command.command);
  for (const Lane& lane : lanes) {
    auto busy = lane_busy_until_.find({command.engine, lane});
    if (busy != lane_busy_until_.end()) when = std::max(when, busy->second);
  }
  for (const Lane& lane : lanes) lane_busy_until_[{command.engine, lane}] = when;
  return when;
}

bool VirtualStore::fails() {
  if (queue_.now() < failing_until_ && random_.unit() < failing_share_) return true;
  return one_in(faults_.error_one_in);
}

void VirtualStore::run(uint64_t number) {
  const auto found = commands_.find(number);
  if (found == commands_.end()) return;
  if (queue_.now() < stalled_until_) {
    queue_.at(stalled_until_, [this, number] { run(number); });
    return;
  }
  Command& command = found->second;
  command.executed = true;
  StoreResult result;
  if (fails()) {
    result = make_error(ErrorCode::unavailable, "injected");
  } else if (is_write(command.command)) {
    result = run_write(command.command);
  } else {
    result = backend_.read(command.command);
  }
  queue_.after(disk_ ? Duration() : delay(),
               [this, number, answered = std::move(result)]() mutable {
                 auto node = commands_.extract(number);
                 if (!node.empty())
                   node.mapped().answer({node.mapped().token, std::move(answered)});
               });
}

StoreResult VirtualStore::run_write(const StoreCommand& command) {
  const bool fenced = std::holds_alternative<AppendEvents>(command) ||
                      std::holds_alternative<AppendInboxes>(command);
  if (fenced && one_in(faults_.conflict_one_in)) return true_conflict(command);
  const bool unknown = one_in(faults_.unknown_one_in);
  if (unknown && random_.chance(1, 2)) return unknown_result(command);
  StoreResult result = std::move(backend_.write(std::span(&command, 1)).front());
  return unknown ? unknown_result(command) : std::move(result);
}

StoreResult VirtualStore::true_conflict(const StoreCommand& command) {
  if (const auto* append = std::get_if<AppendEvents>(&command)) {
    return AppendResult{WriteOutcome::conflict, head_of(append->chat), {}};
  }
  AppendInboxesResult result;
  for (const InboxWrite& write : std::get<AppendInboxes>(command).writes) {
    result.results.push_back({WriteOutcome::conflict, head_of(write.user)});
  }
  return result;
}

uint64_t VirtualStore::head_of(const ChatId& chat) {
  const auto loaded = std::get<ChatLoaded>(backend_.read(LoadChat{chat}));
  return loaded.row ? loaded.row->last_seq : 0;
}

uint64_t VirtualStore::head_of(UserId user) {
  return std::get<UserLoaded>(backend_.read(LoadUser{user})).row.inbox_head;
}

void VirtualStore::crash(EngineRef engine) {
  std::set<Lane> cut;
  const auto kept = [&](const Lane& lane) {
    if (!cut.contains(lane) && random_.chance(1, 2)) cut.insert(lane);
    return !cut.contains(lane);
  };
  const auto keep = [&](const StoreCommand& command) { backend_.write(std::span(&command, 1)); };
  for (auto at = commands_.begin(); at != commands_.end();) {
    if (at->second.engine != engine) {
      ++at;
      continue;
    }
    const Command command = std::move(at->second);
    at = commands_.erase(at);
    if (command.executed) continue;
    const std::vector<Lane> lanes = lanes_of(command.command);
    if (const auto* inboxes = std::get_if<AppendInboxes>(&command.command)) {
      for (const InboxWrite& write : inboxes->writes) {
        if (kept(write.user)) keep(AppendInboxes{{write}});
      }
    } else if (!lanes.empty() && kept(lanes.front())) {
      keep(command.command);
    }
  }
  std::erase_if(lane_busy_until_, [&](const auto& lane) { return lane.first.first == engine; });
}

}  // namespace chat::sim
